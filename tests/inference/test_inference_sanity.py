"""Heatmaps must change with random weights: the check that a user can run, with its figure."""

import cv2
import numpy as np

from busi_viewer import paths
from busi_viewer.bootstrap import main, services
from busi_viewer.core.results import LESION
from busi_viewer.core.sanity import LIMIT, SanityCheck
from busi_viewer.inference import sanity
from busi_viewer.workflow.open import open_image


def _record():
    return open_image(sorted(paths.resource("sample").glob("*.png"))[0], services().sources)


def test_the_heat_of_class_and_outline_is_compared_with_that_of_random_weights(model_folder):
    record = _record()
    found = sanity.check(model_folder, [record])
    assert 1 <= len(found) <= 2
    for one in found:
        assert one.learnt.values.shape == record.shape
        assert not np.array_equal(one.learnt.values, one.drawn.values)
        assert one.passed == (one.correlation is None or abs(one.correlation) < LIMIT)
    assert {one.learnt.target for one in found} <= {LESION, "normal", "benign", "malignant"}


def test_a_map_that_does_not_depend_on_the_weights_is_found_out(model_folder, monkeypatch):
    edges = np.abs(np.random.default_rng(0).normal(size=(64, 64))).astype(np.float32)
    monkeypatch.setattr(sanity, "through_network", lambda *_: edges)
    found = sanity.check(model_folder, [_record()])
    assert len(found) == 2
    assert not any(one.passed for one in found)
    assert SanityCheck(found[0].record, found[0].learnt, found[0].drawn, None).passed


def test_verify_draws_the_figure(model_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BUSI_VIEWER_HOME", str(tmp_path / "home"))
    assert main(["models", "install", str(model_folder)]) == 0
    code = main(["models", "verify", "untrained", "--heatmaps", str(tmp_path / "f.png")])
    said = capsys.readouterr().out
    assert code == (3 if "NOT CHANGED" in said else 0)
    assert "SHA-256" in said
    assert "Grad-CAM" in said
    assert cv2.imread(str(tmp_path / "f.png")) is not None

"""The measurement against the reference pipeline: every figure is there, and both pipelines say the same."""

import cv2
import pytest

from busi_viewer.bootstrap import services
from busi_viewer.core.errors import UserError
from busi_viewer.core.phantom import phantom
from busi_viewer.inference import bench, starts
from busi_viewer.workflow.open import open_image


def test_every_figure_is_there_and_both_pipelines_agree(model_folder, tmp_path, monkeypatch):
    for module, name in ((bench, "ROUNDS"), (bench, "TURNS"), (starts, "ROUNDS")):
        monkeypatch.setattr(module, name, 1)
    cv2.imwrite(str(tmp_path / "a.png"), phantom("malignant", 1, (120, 170))[0])
    sources = services().sources
    told = []
    found = bench.run(
        model_folder,
        [open_image(tmp_path / "a.png", sources)],
        lambda path: open_image(path, sources),
        lambda words, share: told.append(share),
    )
    assert told == sorted(told)
    for stage in bench.STAGES:
        assert found[f"{stage}_ratio"] > 0
        assert found["engine_ms"][stage]["median"] <= found["engine_ms"][stage]["p95"] + 1e-6
    assert found["mask_dice_min"] >= 0.995
    assert found["heatmap_correlation_min"] >= 0.99
    assert abs(found["heatmap_correlation_with_random_weights"]) <= 1
    assert found["batch_ratio"] > 0
    assert found["cine_ratio"] > 0
    assert 0 < found["engine_forward_of_peak"] < 1.5
    assert found["start_to_window_s"]["median"] > 0
    assert found["start_to_first_result_s"]["median"] > 0
    assert found["first_result_peak_memory_mb"] < 900


def test_without_images_there_is_nothing_to_measure(model_folder):
    with pytest.raises(UserError, match="no sample images"):
        bench.run(model_folder, [], lambda path: None, lambda words, share: None)

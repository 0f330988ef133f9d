"""Fitting the descriptor model on phantoms: what can be learned is proposed, what cannot stays silent."""

import csv
import json
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest

from busi_viewer import bootstrap, paths
from busi_viewer.core.descriptors import read_model
from busi_viewer.core.errors import DataSetError, UsageError
from busi_viewer.core.metrics import dice
from busi_viewer.training import descriptors as fitting
from busi_viewer.training.outlines import redrawn

SHAPE = (120, 160)


def phantom(rng, *, dented, shadow):
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    x, y = (xx - 80) / 26, (yy - 42) / 18
    mask = np.hypot(x, y) < 1 + (0.22 if dented else 0.0) * np.sin(7 * np.arctan2(y, x) + rng.uniform(0, 6))
    level = np.where(mask, 40.0, 120.0)
    level[66:, 55:105] *= {0: 1.0, 1: 0.4, 2: 1.6}[shadow]
    noise = cv2.GaussianBlur(rng.standard_normal(SHAPE), (0, 0), 1.2)
    return np.clip(level * (1 + 0.5 * noise), 0, 255).astype(np.uint8), mask


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Shape and posterior features as drawn, an echogenicity that has nothing to do with the images, no margin."""
    root = tmp_path_factory.mktemp("data") / "PHANTOMS"
    root.mkdir()
    rng = np.random.default_rng(3)
    with (root / "manifest.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["image", "mask", "label", "patient", "shape", "echogenicity", "posterior_features"])
        for i in range(36):
            image, mask = phantom(rng, dented=i % 2 == 1, shadow=i % 3)
            cv2.imwrite(str(root / f"{i}.png"), image)
            cv2.imwrite(str(root / f"{i}_m.png"), mask.astype(np.uint8) * 255)
            shape = "irregular" if i % 2 else ("oval", "round")[i % 4 // 2]
            echo = ("hypoechoic", "heterogeneous", "anechoic")[i // 6 % 3]
            posterior = ("no", "shadowing", "enhancement")[i % 3]
            table.writerow([f"{i}.png", f"{i}_m.png", "benign", i // 2, shape, echo, posterior])
    return root


@pytest.fixture(scope="module")
def quick():
    with pytest.MonkeyPatch.context() as patch:
        values = {"COPIES": 2, "REPEATS": 1, "OUTER": 3, "INNER": 2, "PENALTIES": (0.003,)}
        for name, value in values.items():
            patch.setattr(fitting, name, value)
        yield


@pytest.fixture(scope="module")
def run(data, tmp_path_factory, quick):
    return fit(data, tmp_path_factory.mktemp("run"))


def fit(data, out, **options):
    events = []
    summary = bootstrap.services().train(
        progress=events.append, recipe="descriptors", job=None, data=[data], out=out, **options
    )
    return summary, events


def test_the_recipe_learns_what_can_be_learned_and_keeps_silent_on_the_rest(run):
    summary, events = run
    figures = summary["figures"]
    assert set(figures) == {"shape", "echo_pattern", "posterior_features"}, "a column that is missing is not fitted"
    assert figures["shape"]["proposed"]
    assert figures["shape"]["figures"]["true_outlines"]["balanced_accuracy"]["value"] > 0.9
    assert figures["posterior_features"]["proposed"]
    assert not figures["echo_pattern"]["proposed"], "labels that have nothing to do with the images"
    assert figures["shape"]["n"] == 36
    assert events[0]["event"] == "step"
    model = read_model(Path(summary["descriptors"]))
    assert [c.proposed for c in model.classifiers if c.name == "echo_pattern"] == [False]


def test_fitting_again_gives_the_same_bytes(run, data, tmp_path):
    files = [Path(made[0]["descriptors"]).read_bytes() for made in (run, fit(data, tmp_path))]
    assert files[0] == files[1]
    assert json.loads(files[0])["protocol"]["seed"] == fitting.SEED


def test_options_of_networks_are_refused(data, tmp_path):
    with pytest.raises(UsageError, match="epochs"):
        fit(data, tmp_path / "run", epochs=3)


def test_data_without_descriptors_are_refused_before_anything_is_read(tmp_path):
    root = tmp_path / "PLAIN"
    root.mkdir()
    (root / "manifest.csv").write_text("image,mask,label\n" + "a.png,a.png,benign\n")
    (root / "a.png").write_bytes(b"not read")
    with pytest.raises(DataSetError, match="no descriptor") as error:
        fit(root, tmp_path / "run")
    assert "posterior_features" in error.value.remedy


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("margin", "not circumscribed - angular&indistinct", 1),
        ("margin", "circumscribed", 0),
        ("shape", "Round", 0),
        ("shape", "not applicable", -1),
        ("echo_pattern", "complex cystic/solid", 2),
        ("posterior_features", "combined", -1),
        ("posterior_features", "no", 0),
    ],
)
def test_words_of_the_manifest(name, text, expected):
    assert fitting.code(name, text) == expected


def test_redrawn_outlines_stay_near_the_true_one_and_differ():
    _, mask = phantom(np.random.default_rng(0), dented=True, shadow=0)
    overlaps = [dice(mask, redrawn(mask, np.random.default_rng(i))) for i in range(30)]
    assert 0.7 < min(overlaps) < max(overlaps) < 1
    assert 0.84 < np.mean(overlaps) < 0.97


@pytest.mark.parametrize("box", [(0, 3, 0, 3), (50, 51, 20, 90), (0, 120, 0, 160)])
def test_redrawing_never_loses_a_lesion(box):
    mask = np.zeros(SHAPE, bool)
    mask[box[0] : box[1], box[2] : box[3]] = True
    for seed in range(10):
        assert redrawn(mask, np.random.default_rng(seed)).any()


def test_figures_of_chance_and_of_perfection():
    rng = np.random.default_rng(1)
    y = np.arange(90) % 3
    perfect = fitting.figures(np.eye(3)[y][None], y, np.arange(90))
    assert perfect["balanced_accuracy"]["value"] == perfect["kappa"]["value"] == 1
    chance = fitting.figures(rng.dirichlet(np.ones(3), (4, 90)), y, np.arange(90))
    assert chance["balanced_accuracy"]["ci95"][0] < 1 / 3 < chance["balanced_accuracy"]["ci95"][1]
    assert abs(chance["kappa"]["value"]) < 0.15


def test_scikit_learn_is_a_stated_dependency():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert any(name.startswith("scikit-learn") for name in project["dependencies"])


@pytest.mark.real
def test_true_outlines_of_real_lesions_are_described_better_than_by_chance():
    root = paths.real_data() / "BrEaST"
    if not (root / "manifest.csv").is_file():
        pytest.skip("no real data: set BUSI_VIEWER_DATA")
    content = json.loads((paths.bundled_models() / "busi-descriptors" / "descriptors.json").read_text(encoding="utf-8"))
    rows = list(csv.DictReader((root / "manifest.csv").open(encoding="utf-8")))
    for name, part in content["descriptors"].items():
        known = sum(fitting.code(name, row[part["column"]]) >= 0 for row in rows)
        assert part["n"] == known

"""Evaluation: every definition of the contract on sets small enough to compute by hand."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from busi_viewer.core.dataset import load_datasets
from busi_viewer.core.errors import DataSetError
from busi_viewer.core.measure import measure_all
from busi_viewer.core.results import AnalysisResult, FrameResult, ModelInfo, Quality
from busi_viewer.workflow.evaluate import choose_samples, evaluate

SHAPE = (40, 40)


class Silent:
    def progress(self, text, share):
        """Say nothing."""

    def skipped(self, path):
        """Say nothing."""

    def failed(self, failure):
        """Say nothing."""


class Scripted:
    """An engine that answers by file name: mask, probabilities, whether it abstains."""

    model = ModelInfo("scripted", "1", "f" * 64, operating_point=0.5)
    device = "cpu"

    def __init__(self, answers, *, pixels=True):
        self.answers, self.pixels = answers, pixels

    def analyse(self, record, frames=None, *, heatmap=True, **options):
        assert heatmap is False
        mask, p, abstained = self.answers[record.path.stem]
        frame = FrameResult(
            index=0,
            probabilities=p,
            calibrated=True,
            above_operating_point=p[2] >= 0.5,
            abstained=abstained,
            abstain_reasons=(),
            quality=Quality(True, 1.0),
            mask=mask,
            lesions=measure_all(mask, record),
            heatmap=None,
            timing_ms={"total": 10.0},
            probability=np.where(mask, 0.9, 0.1).astype(np.float16) if self.pixels else None,
        )
        return AnalysisResult(record.path, record.sha256, self.model, self.device, (frame,))


def box(*corners):
    mask = np.zeros(SHAPE, dtype=bool)
    if corners:
        y0, x0, y1, x1 = corners
        mask[y0:y1, x0:x1] = True
    return mask


NORMAL, BENIGN, MALIGNANT = (0.8, 0.1, 0.1), (0.1, 0.8, 0.1), (0.1, 0.2, 0.7)

CASES = {
    # name: truth, label, patient, outlined, probabilities, abstained
    "b1": (box(10, 10, 20, 20), "benign", "p1", box(10, 10, 20, 20), BENIGN, False),
    "b2": (box(10, 10, 20, 20), "benign", "p1", box(10, 15, 20, 25), MALIGNANT, True),
    "m1": (box(5, 5, 25, 25), "malignant", "p2", box(), BENIGN, True),
    "m2": (box(5, 5, 25, 25), "malignant", "p3", box(5, 5, 25, 30), MALIGNANT, False),
    "n1": (box(), "normal", "p4", box(), NORMAL, False),
    "n2": (box(), "normal", "p5", box(0, 0, 1, 1), NORMAL, False),
    "u1": (box(10, 10, 20, 20), "", "p6", box(10, 10, 20, 20), BENIGN, False),
    "u2": (None, "malignant", "p7", box(0, 0, 9, 9), MALIGNANT, False),
}


@pytest.fixture
def data(tmp_path):
    """The cases as a data set with a manifest."""
    root = tmp_path / "hand"
    root.mkdir()
    rows = []
    for number, (name, (truth, label, patient, *_)) in enumerate(CASES.items()):
        noise = np.random.default_rng(number).integers(0, 255, SHAPE).astype(np.uint8)
        cv2.imwrite(str(root / f"{name}.png"), noise)
        mask = ""
        if truth is not None and label != "normal":
            mask = f"masks/{name}.png"
            (root / "masks").mkdir(exist_ok=True)
            cv2.imwrite(str(root / mask), truth.astype(np.uint8) * 255)
        rows.append({"image": f"{name}.png", "mask": mask, "label": label, "patient": patient})
    with (root / "manifest.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, ["image", "mask", "label", "patient"])
        table.writeheader()
        table.writerows(rows)
    return root


@pytest.fixture
def answers():
    return {name: case[3:] for name, case in CASES.items()}


def figures(root, services, engine):
    result, failures = evaluate(load_datasets([root]), services, engine, Silent())
    assert failures == []
    return result


def test_who_counts_for_what(data, services, answers):
    result = figures(data, services, Scripted(answers))
    assert result["n"] == 8
    assert result["by_class"] == {"normal": 2, "benign": 2, "malignant": 3, "unknown": 1}
    assert result["segmentation"]["n"] == 7
    assert result["segmentation"]["n_lesion"] == 5
    assert result["classification"]["n"] == 7
    assert result["data"]["sets"] == [{"name": "hand", "n": 8}]
    assert result["data"]["groups"] == 7


def test_segmentation_by_hand(data, services, answers):
    found = figures(data, services, Scripted(answers))["segmentation"]
    dice = [1, 0.5, 0, 2 * 400 / (400 + 500), 1]
    assert found["dice"]["mean"] == pytest.approx(np.mean(dice), abs=1e-6)
    assert found["dice"]["median"] == pytest.approx(np.median(dice), abs=1e-6)
    assert found["dice"]["sd"] == pytest.approx(np.std(dice, ddof=1), abs=1e-6)
    assert found["iou"]["mean"] == pytest.approx(np.mean([1, 1 / 3, 0, 0.8, 1]), abs=1e-6)
    assert found["precision"] == pytest.approx(np.mean([1, 0.5, 0, 0.8, 1]), abs=1e-6)
    assert found["recall"] == pytest.approx(np.mean([1, 0.5, 0, 1, 1]), abs=1e-6)
    assert found["missed"] == 1
    assert found["hd95_px"]["mean"] == pytest.approx(np.mean([0, 5, 5, 0]), abs=1e-6)
    assert found["lesion_recall"] == pytest.approx(3 / 5)
    assert found["false_alarm_rate_normal"]["value"] == pytest.approx(1 / 2)
    wrong = [0, 100, 400, 100, 0, 1, 0]
    assert found["pixel_accuracy"] == pytest.approx(np.mean([1 - w / 1600 for w in wrong]), abs=1e-6)
    low, high = found["dice"]["ci95"]
    assert low < found["dice"]["mean"] < high


def test_pixel_auc_pools_all_pixels_and_is_null_without_probabilities(data, services, answers):
    truth = np.concatenate([c[0].ravel() for c in CASES.values() if c[0] is not None])
    scores = np.concatenate([c[3].ravel() for c in CASES.values() if c[0] is not None])
    hit, alarm = scores[truth].mean(), scores[~truth].mean()
    result = figures(data, services, Scripted(answers))
    assert result["segmentation"]["pixel_auc"] == pytest.approx((1 + hit - alarm) / 2, abs=1e-6)
    assert figures(data, services, Scripted(answers, pixels=False))["segmentation"]["pixel_auc"] is None


def test_classification_by_hand(data, services, answers):
    found = figures(data, services, Scripted(answers))["classification"]
    assert found["classes"] == ["normal", "benign", "malignant"]
    assert found["confusion"] == [[2, 0, 0], [0, 1, 1], [0, 1, 2]]
    assert found["accuracy"]["value"] == pytest.approx(5 / 7, abs=1e-6)
    assert found["per_class"]["malignant"]["recall"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["per_class"]["malignant"]["precision"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["per_class"]["benign"]["f1"] == pytest.approx(0.5)
    assert found["macro_f1"]["value"] == pytest.approx(np.mean([1, 0.5, 2 / 3]), abs=1e-6)
    assert found["sensitivity_malignant"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["specificity_malignant"] == pytest.approx(3 / 4, abs=1e-6)
    assert found["operating_point"] == 0.5
    wins = (2 * 3.5 + 0.5 * 3) / 12  # two at 0.7 against 0.7, 0.1, 0.1, 0.1; one at 0.1
    assert found["auc_malignant_vs_rest"]["value"] == pytest.approx(wins, abs=1e-6)
    assert found["auc_malignant_vs_benign"]["value"] == pytest.approx((2 * 1.5 + 0.5) / 6, abs=1e-6)
    assert 0 <= found["ece"] <= 1
    assert 0 <= found["brier"] <= 2


def test_selective_leaves_abstained_images_out(data, services, answers):
    found = figures(data, services, Scripted(answers))["selective"]
    assert found["coverage"] == pytest.approx(6 / 8)
    assert found["segmentation"]["missed"] == 0
    assert found["segmentation"]["n"] == 5
    assert found["classification"]["accuracy"]["value"] == 1


def test_everything_abstained_gives_nulls_not_errors(data, services, answers):
    all_unsure = {name: (mask, p, True) for name, (mask, p, _) in answers.items()}
    found = figures(data, services, Scripted(all_unsure))["selective"]
    assert found["coverage"] == 0
    assert found["segmentation"]["dice"] == {"mean": None, "ci95": None, "median": None, "sd": None}
    assert found["classification"]["ece"] is None


def test_images_without_a_patient_are_grouped_by_near_duplicates(tmp_path, services):
    root = tmp_path / "set"
    answers = {}
    for index in range(3):
        rough = np.random.default_rng(index // 2).normal(size=(8, 8))
        smooth = cv2.normalize(
            cv2.resize(rough, (64, 64), interpolation=cv2.INTER_CUBIC), None, 0, 255, cv2.NORM_MINMAX
        )
        (root / "benign").mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / "benign" / f"i{index}.png"), smooth.astype(np.uint8))
        answers[f"i{index}"] = (np.zeros((64, 64), bool), BENIGN, False)
    result = figures(root, services, Scripted(answers))
    assert result["n"] == 3
    assert result["data"]["groups"] == 2
    assert result["segmentation"]["n"] == 0


def test_a_bad_file_is_a_failure_and_the_others_count(data, services, answers):
    (data / "b1.png").write_bytes(b"not an image")
    cv2.imwrite(str(data / "masks" / "m1.png"), np.zeros((7, 7), np.uint8))
    result, failures = evaluate(load_datasets([data]), services, Scripted(answers), Silent())
    assert result["n"] == 6
    assert sorted(Path(f.path).name for f in failures) == ["b1.png", "m1.png"]
    assert [set(f) for f in result["failures"]] == [{"path", "reason"}] * 2


def test_latency_and_model_are_stated(data, services, answers):
    result = figures(data, services, Scripted(answers))
    assert result["latency_ms"]["median"] == result["latency_ms"]["p95"] == 10
    assert result["model"] == {"name": "scripted", "version": "1", "sha256": "f" * 64}


def test_a_split_restricts_and_an_empty_part_is_an_error(data, tmp_path):
    split = tmp_path / "split.csv"
    split.write_text("id,part\nhand/b1.png,test\nhand/m1.png,train\n")
    assert [s.id for s in choose_samples([data], split, "test")] == ["hand/b1.png"]
    with pytest.raises(DataSetError, match="part 'val'"):
        choose_samples([data], split, "val")

"""Tables of cases, comparisons and cross-validations over small generated data sets."""

import csv
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from busi_viewer.core.dataset import load_datasets, load_split
from busi_viewer.core.errors import DataSetError, UsageError
from busi_viewer.report.study_pages import HtmlStudyPages
from busi_viewer.workflow.cases import COLUMNS, read_cases, write_cases
from busi_viewer.workflow.compare import compare, lines, read_runs
from busi_viewer.workflow.crossval import Plan, crossval, make_folds
from busi_viewer.workflow.evaluate import card_figures, examine, summarise, write_study


class Silent:
    def progress(self, text, share):
        """Say nothing."""

    def skipped(self, path):
        """Say nothing."""

    def failed(self, failure):
        """Say nothing."""


class TinyPages:
    """Pages that take no time."""

    def evaluation(self, result, cases, worst):
        return f"{result['n']} {len(cases)} {len(worst)}"

    def comparison(self, result, runs):
        return f"{result['common']['n']} {len(runs)}"


@pytest.fixture
def services(services):
    """The small engine, and small pages."""
    return replace(services, study_pages=TinyPages)


@pytest.fixture
def data(tmp_path, make_image):
    """Eight round (benign), eight long (malignant) and eight absent (normal) lesions, two images a patient."""
    root = tmp_path / "cases"
    rows = []
    for index in range(24):
        label = ("benign", "malignant", "normal")[index % 3]
        x = 10 + 3 * (index // 3)
        box = {"benign": (30, x, 66, x + 36), "malignant": (40, x, 56, x + 60)}.get(label)
        name = f"i{index:02}.png"
        make_image(root / name, boxes=(box,) if box else (), seed=index)
        mask = ""
        if box:
            y0, x0, y1, x1 = box
            truth = np.zeros((96, 128), np.uint8)
            cv2.ellipse(truth, ((x0 + x1) // 2, (y0 + y1) // 2), ((x1 - x0) // 2, (y1 - y0) // 2), 0, 0, 360, 255, -1)
            mask = f"m{index:02}.png"
            cv2.imwrite(str(root / mask), truth)
        row = {"image": name, "mask": mask, "label": label, "patient": f"p{index // 6}-{index % 3}"}
        rows.append({**row, "pixel_size_cm": "0.02" if index < 12 else ""})
    with (root / "manifest.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return root


def evaluated(out, root, services, engine, keep=lambda sample: True):
    samples = [sample for sample in load_datasets([root]) if keep(sample)]
    study = examine(samples, services, engine, Silent())
    result = summarise(study.cases, study.failures, engine.model, engine.device)
    write_study(out, study, result, services, engine, Silent())
    return study, result


def test_a_table_of_cases_gives_the_figures_back(tmp_path, data, services, engine):
    study, result = evaluated(tmp_path / "out", data, services, engine)
    again = read_cases(tmp_path / "out" / "cases.csv")
    assert [case.id for case in again] == sorted(case.id for case in study.cases)
    figures = summarise(again, [], engine.model, engine.device)
    assert 0.9 < result["segmentation"]["pixel_auc"] <= 1
    assert figures["segmentation"]["pixel_auc"] is None
    for part in (result, result["selective"], figures, figures["selective"]):
        for name in ("pixel_auc", "pixel_auc_ci95"):
            del part["segmentation"][name]
    assert figures == result
    with (tmp_path / "out" / "cases.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    first = next(row for row in rows if row["id"] == "cases/i00.png")
    assert float(first["true_long_axis_mm"]) == pytest.approx(0.2 * float(first["true_long_axis_px"]))
    assert first["false_alarm"] == ""
    last = next(row for row in rows if row["label"] == "normal")
    assert last["dice"] == last["hd95_px"] == last["true_long_axis_px"] == ""
    assert last["false_alarm"] in ("true", "false")


def test_the_result_has_parts_and_agreement_in_mm_where_the_scale_is_known(tmp_path, data, services, engine):
    services = replace(services, study_pages=HtmlStudyPages)
    _, result = evaluated(tmp_path / "out", data, services, engine)
    assert result["n"] == 24
    assert list(result["by_set"]) == ["cases"]
    assert result["by_set"]["cases"]["dice"] == result["segmentation"]["dice"]
    assert sum(part["n"] for part in result["by_lesion_size"]["parts"]) == 16
    assert result["long_axis"]["px"]["n"] == 16
    assert result["long_axis"]["mm"]["n"] == 8
    low, high = result["classification"]["sensitivity_malignant_ci95"]
    assert result["classification"]["sensitivity_malignant"] in (0, 1) or low < high
    assert low < high
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text()) == result
    assert set(card_figures(result)) == {"cases"}
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "Research use only." in page
    assert "on cases: 24 images" in page


def test_several_sets_are_also_kept_together_for_the_card(tmp_path, data, services, engine):
    other = tmp_path / "other"
    data.rename(other)
    study = examine(load_datasets([other]), services, engine, Silent())
    cases = [replace(c, id=c.id.replace("other/", "first/" if i % 2 else "second/")) for i, c in enumerate(study.cases)]
    kept = card_figures(summarise(cases, [], engine.model, "cpu"))
    assert list(kept) == ["first", "second", "all"]
    assert kept["all"]["n"] == kept["first"]["n"] + kept["second"]["n"] == 24
    assert kept["all"]["operating_curve"]["columns"][0] == "threshold"
    assert len(json.dumps(kept["all"])) < 6000


def test_a_file_that_is_no_table_of_cases_is_refused(tmp_path):
    path = tmp_path / "cases.csv"
    path.write_text("id,part\na,b\n")
    with pytest.raises(DataSetError, match="no table of cases"):
        read_cases(path)
    write_cases(path, [])
    assert read_cases(path) == []
    path.write_text(path.read_text() + "s/a,s,x" + "," * (len(COLUMNS) - 3) + "\n")
    with pytest.raises(DataSetError, match="no table of cases"):
        read_cases(path)


def test_runs_are_compared_on_their_common_images(tmp_path, data, services, engine):
    evaluated(tmp_path / "a", data, services, engine)
    evaluated(tmp_path / "b" / "evaluation", data, services, engine, lambda sample: "i23" not in sample.id)
    services = replace(services, study_pages=HtmlStudyPages)
    result = compare([tmp_path / "a", tmp_path / "b"], tmp_path / "out", services)
    assert result["common"]["n"] == 23
    assert [(run["name"], run["not_common"]) for run in result["runs"]] == [("a", 1), ("b", 0)]
    pair = result["pairs"][0]
    assert pair["differences"]["dice"]["difference"] == 0
    assert pair["mcnemar"]["correct_class"]["p"] == 1
    assert json.loads((tmp_path / "out" / "comparison.json").read_text()) == result
    assert "McNemar" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "a − b" in lines(result)


def test_different_truth_is_refused(tmp_path, data, services, engine):
    evaluated(tmp_path / "a", data, services, engine)
    cv2.imwrite(str(data / "m00.png"), np.pad(np.full((9, 9), 255, np.uint8), ((0, 87), (0, 119))))
    evaluated(tmp_path / "b", data, services, engine)
    with pytest.raises(DataSetError, match=r"different truth.*1 of 24.*i00\.png"):
        compare([tmp_path / "a", tmp_path / "b"], tmp_path / "out", services)
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_compared_is_said(tmp_path, data, services, engine):
    evaluated(tmp_path / "a", data, services, engine, lambda sample: sample.id < "cases/i10")
    evaluated(tmp_path / "b", data, services, engine, lambda sample: sample.id >= "cases/i10")
    with pytest.raises(DataSetError, match="no image in common"):
        compare([tmp_path / "a", tmp_path / "b"], tmp_path / "out", services)
    with pytest.raises(UsageError, match="two or more"):
        read_runs([tmp_path / "a"])
    with pytest.raises(UsageError, match="twice"):
        read_runs([tmp_path / "a", tmp_path / "a"])
    with pytest.raises(DataSetError, match="2 evaluations"):
        read_runs([tmp_path / "a", tmp_path])
    with pytest.raises(DataSetError, match="holds no evaluation"):
        read_runs([tmp_path / "a", data])


class Killed(Exception):
    """The machine was switched off."""


class FakeTraining:
    """Training that takes no time; dies before the model of ``dies`` is whole."""

    def __init__(self):
        self.calls, self.dies = [], None

    def __call__(self, *, out, split, data, progress, resume, **options):
        parts = load_split(split)
        self.calls.append(
            (out.name, resume, {part: list(parts.values()).count(part) for part in sorted(set(parts.values()))})
        )
        progress({"event": "step", "step": 1, "of": 2, "epoch": 1})
        if out.name == self.dies:
            raise Killed
        (out / "model").mkdir(parents=True)
        (out / "model" / "card.json").write_text(json.dumps({"schema": 1, "name": "m", "version": "1", "sha256": "0"}))
        return {"model": str(out / "model"), "options": options}


def test_a_crossval_goes_on_after_a_kill_and_repeats_no_finished_fold(tmp_path, data, services):
    training = FakeTraining()
    services = replace(services, train=training)
    plan = Plan(tmp_path / "cv", (data,), 3, False, {"recipe": "tiny", "job": None})
    training.dies = "fold_2"
    events = []
    with pytest.raises(Killed):
        crossval(plan, services, Silent(), events.append)
    assert events[0] | {"fold": 1, "folds": 3} == events[0]
    with pytest.raises(UsageError, match="--resume"):
        crossval(plan, services, Silent(), events.append)
    training.dies = None
    services = replace(services, study_pages=HtmlStudyPages)
    result = crossval(replace(plan, resume=True), services, Silent(), events.append)
    assert [(name, resume) for name, resume, _ in training.calls] == [
        ("fold_1", None),
        ("fold_2", None),
        ("fold_2", True),
        ("fold_3", True),
    ]
    assert all(set(parts) == {"train", "val", "test"} for *_, parts in training.calls)
    assert result["n"] == 24
    assert sum(fold["figures"]["n"] for fold in result["folds"]) == 24
    assert result["over_folds"]["dice"]["n"] == 3
    assert len(read_cases(tmp_path / "cv" / "cases.csv")) == 24
    assert result["data"]["groups"] == sum(fold["figures"]["groups"] for fold in result["folds"])
    assert "mean ± SD" in (tmp_path / "cv" / "index.html").read_text(encoding="utf-8")
    card = json.loads((tmp_path / "cv" / "fold_3" / "model" / "card.json").read_text())
    assert card["metrics"]["test"]["cases"]["n"] == result["folds"][2]["figures"]["n"]
    assert len(read_runs([tmp_path / "cv", tmp_path / "cv" / "fold_1"])) == 2
    with pytest.raises(UsageError, match="are not 4"):
        crossval(replace(plan, folds=4, resume=True), services, Silent(), events.append)


def test_folds_keep_patients_together_and_classes_apart_evenly(data, services):
    folds = make_folds(load_datasets([data]), 3, services, Silent())
    by_patient = {}
    for sample in load_datasets([data]):
        by_patient.setdefault(sample.patient, set()).add(folds[sample.id])
    assert all(len(found) == 1 for found in by_patient.values())
    assert set(folds.values()) == {1, 2, 3}


def test_what_cannot_be_cross_validated_is_said_before_training(tmp_path, data, services):
    plan = Plan(tmp_path / "cv", (data,), 2, False, {"recipe": "tiny", "job": None})
    with pytest.raises(UsageError, match="three folds"):
        crossval(plan, services, Silent(), print)
    with pytest.raises(DataSetError, match="do not make 99 folds"):
        crossval(replace(plan, folds=99), services, Silent(), print)
    (data / "i05.png").write_bytes(b"gone bad")
    with pytest.raises(DataSetError, match=r"1 image cannot be read.*i05"):
        crossval(replace(plan, folds=3), services, Silent(), print)
    with pytest.raises(UsageError, match="--data"):
        crossval(replace(plan, folds=3, data=()), services, Silent(), print)
    job = tmp_path / "job.json"
    job.write_text("{}")
    with pytest.raises(UsageError, match="names no data"):
        crossval(replace(plan, folds=3, data=(), training={"job": job}), services, Silent(), print)

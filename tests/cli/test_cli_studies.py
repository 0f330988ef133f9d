"""``evaluate -o``, ``compare``, ``crossval`` and the pages of ``models show``."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from busi_viewer import cli
from busi_viewer.report.study_pages import HtmlStudyPages
from busi_viewer.workflow.models import record_metrics


@pytest.fixture
def services(services):
    return replace(services, study_pages=HtmlStudyPages)


@pytest.fixture
def root(tmp_path, make_image):
    """Three benign and three normal images."""
    for index in range(3):
        make_image(tmp_path / "set" / "benign" / f"b{index}.png", boxes=((20, 30, 60, 90),), seed=index)
        mask = cv2.ellipse(np.zeros((96, 128), np.uint8), (60, 40), (30, 20), 0, 0, 360, 255, -1)
        cv2.imwrite(str(tmp_path / "set" / "benign" / f"b{index}_mask.png"), mask)
        make_image(tmp_path / "set" / "normal" / f"n{index}.png", boxes=(), seed=10 + index)
    return tmp_path / "set"


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "card.json").write_text(json.dumps({"schema": 1, "name": "m", "version": "1", "sha256": "0"}))
    return folder


def test_evaluate_writes_table_page_and_the_same_json(tmp_path, services, root, model, capsys):
    words = ["evaluate", "--data", str(root), "--json", str(tmp_path / "x.json"), "-o", str(tmp_path / "ev")]
    assert cli.main([*words, "--model", str(model), "--record", "mine"], services) == 0
    assert capsys.readouterr() == ("", "")
    assert sorted(p.name for p in (tmp_path / "ev").iterdir()) == [
        "cases.csv",
        "evaluation.json",
        "index.html",
        "worst",
    ]
    assert (tmp_path / "ev" / "evaluation.json").read_text() == (tmp_path / "x.json").read_text()
    kept = json.loads((model / "card.json").read_text())["metrics"]["mine"]["set"]
    assert kept["n"] == 6
    assert kept["operating_curve"]["n_other"] == 6
    assert kept["reliability"]["malignant"]
    assert cli.main(["models", "show", str(model), "--html", str(tmp_path / "c.html")], services) == 0
    assert cli.main(["models", "show", str(model), "--markdown", str(tmp_path / "README.md")], services) == 0
    assert capsys.readouterr().out == ""
    assert "Figures: mine" in (tmp_path / "c.html").read_text(encoding="utf-8")
    assert (tmp_path / "README.md").read_text(encoding="utf-8").startswith("# m 1\n")


def test_the_descriptor_model_is_shown_as_the_others_are(tmp_path, services, capsys):
    words = ["models", "show", "busi-descriptors"]
    assert cli.main([*words, "--json", str(tmp_path / "d.json")], services) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "descriptors"
    assert json.loads((tmp_path / "d.json").read_text())["card"]["limits"]
    assert cli.main([*words, "--markdown", str(tmp_path / "README.md")], services) == 0
    assert "Made from `descriptors.json`" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_figures_on_a_known_data_set_bring_its_source_into_the_card(model):
    record_metrics(model, "external", {"BrEaST": {"n": 3}, "all": {"n": 3}})
    card = json.loads((model / "card.json").read_text(encoding="utf-8"))
    assert list(card["data"]) == ["BrEaST"]
    assert card["data"]["BrEaST"]["licence"] == "CC BY 4.0"


def test_a_file_in_place_of_the_folder_is_wrong_usage(tmp_path, services, root, capsys):
    (tmp_path / "taken").write_text("x")
    words = ["evaluate", "--data", str(root), "--json", str(tmp_path / "x.json"), "-o", str(tmp_path / "taken")]
    assert cli.main(words, services) == 2
    assert "not a folder" in capsys.readouterr().err


def test_compare_needs_two_evaluations(tmp_path, services, root, capsys):
    for name in ("a", "b"):
        words = ["evaluate", "--data", str(root), "--json", str(tmp_path / "x.json"), "-o", str(tmp_path / name)]
        assert cli.main(words, services) == 0
    out, result = tmp_path / "out", tmp_path / "c.json"
    assert cli.main(["compare", str(tmp_path / "a"), "-o", str(out)], services) == 2
    assert cli.main(["compare", str(tmp_path / "a"), str(root), "-o", str(out)], services) == 1
    assert "evaluate" in capsys.readouterr().err
    words = ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "-o", str(out), "--json", str(result)]
    assert cli.main(words, services) == 0
    assert json.loads(result.read_text())["common"]["n"] == 6
    assert sorted(p.name for p in out.iterdir()) == ["comparison.json", "index.html"]


def test_crossval_says_what_is_missing(tmp_path, services, root, capsys):
    assert cli.main(["crossval", "--recipe", "small", "-o", str(tmp_path / "cv")], services) == 2
    assert "--data" in capsys.readouterr().err
    words = ["crossval", "--recipe", "small", "--data", str(root), "--folds", "2", "-o", str(tmp_path / "cv")]
    assert cli.main(words, services) == 2
    assert "three folds" in capsys.readouterr().err

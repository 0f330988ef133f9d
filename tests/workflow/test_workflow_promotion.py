"""When a model counts as worse, and what promoting it asks for."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from busi_viewer.core.errors import UsageError
from busi_viewer.core.training import Progress
from busi_viewer.workflow import models, promotion
from busi_viewer.workflow.training_runs import DONE, RUNNING, Run


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("BUSI_VIEWER_HOME", str(tmp_path / "home"))


def entry(difference, low, high):
    return {"first": 0.8 + difference, "second": 0.8, "difference": difference, "ci95": [low, high], "p": 0.5}


@dataclass
class Planted:
    """A finished run whose locked test says what it is told to."""

    folder: Path

    @property
    def run(self):
        summary = {"model": str(self.folder / "model"), "split": str(self.folder / "split.csv"), "data": []}
        return Run(self.folder, DONE, Progress(), summary=summary)

    def tested(self, **differences):
        place = self.folder / "test" / "comparison"
        place.mkdir(parents=True, exist_ok=True)
        opened = {
            "opened": "2026-01-02T03:04:05+00:00",
            "images": 40,
            "active": {"name": "old", "version": "1", "sha256": "ab", "folder": "x"},
            "same_split": False,
        }
        (self.folder / promotion.OPENED).write_text(json.dumps(opened))
        even = {name: entry(0.01, -0.02, 0.04) for name in promotion.HEADLINE}
        comparison = {
            "runs": [{"name": "run", "figures": {"n": 40}}, {"name": "active", "figures": {}}],
            "common": {"n": 40, "groups": 30},
            "pairs": [{"differences": even | differences, "mcnemar": {"correct_class": {"p": 1.0}}}],
        }
        (place / "comparison.json").write_text(json.dumps(comparison))
        return promotion.tested(self.run)


@pytest.fixture
def planted(tmp_path):
    folder = tmp_path / "runs" / "new-one"
    model = folder / "model"
    model.mkdir(parents=True)
    save_file({"weight": np.arange(8, dtype=np.float32)}, model / models.WEIGHTS)
    card = {"schema": 1, "name": "recipe", "version": "1", "sha256": models.sha256_of(model / models.WEIGHTS)}
    (model / models.CARD).write_text(json.dumps(card))
    return Planted(folder)


def test_what_counts_as_worse(planted):
    assert promotion.worse(planted.tested()) == []
    assert "Dice is lower" in promotion.worse(planted.tested(dice=entry(-0.01, -0.05, 0.03)))[0]
    assert promotion.worse(planted.tested(specificity_malignant=entry(-0.01, -0.05, 0.03))) == []
    beyond_chance = promotion.worse(planted.tested(specificity_malignant=entry(-0.04, -0.05, -0.01)))
    assert beyond_chance[0].startswith("Specificity is worse by more than chance")
    alarms = planted.tested(false_alarm_rate_normal=entry(0.04, 0.01, 0.07))
    assert "False alarms" in promotion.worse(alarms)[0], "more false alarms are worse"
    assert promotion.worse(planted.tested(false_alarm_rate_normal=entry(-0.04, -0.07, -0.01))) == []


def test_a_model_is_promoted_with_its_card_and_rolled_back(planted):
    before = models.active()
    with pytest.raises(UsageError, match="not compared"):
        promotion.promote(planted.run, "new-one", "")
    planted.tested()
    promotion.promote(planted.run, "new-one", "")
    assert models.active() == "new-one"
    card = models.find("new-one").card
    assert card["promotion"]["compared_with"]["name"] == "old"
    assert card["promotion"]["images"] == 40
    assert card["metrics"]["test"] == {"all": {"n": 40}}
    assert models.rollback() == before


def test_a_worse_model_needs_a_reason_which_its_card_keeps(planted):
    planted.tested(dice=entry(-0.1, -0.2, -0.05))
    for reason in ("", "  "):
        with pytest.raises(UsageError, match="needs a reason"):
            promotion.promote(planted.run, "new-one", reason)
    assert not any(found.name == "new-one" for found in models.installed())
    promotion.promote(planted.run, "new-one", "Fewer false alarms on our scanner.")
    kept = models.find("new-one").card["promotion"]
    assert kept["reason"] == "Fewer false alarms on our scanner."
    assert kept["worse"][0].startswith("Dice is worse")


def test_the_test_of_a_run_that_is_not_finished_stays_closed(planted):
    import threading

    run = Run(planted.folder, RUNNING, Progress())
    with pytest.raises(UsageError, match="not finished"):
        promotion.open_test(run, None, lambda words, share: None, threading.Event())
    assert not promotion.was_opened(run)

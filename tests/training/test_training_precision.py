"""Whether a new model may use bfloat16 is decided by what its answers then are."""

import openvino as ov
import pytest

from busi_viewer import paths
from busi_viewer.core.phantom import phantom
from busi_viewer.nets.card import read_card
from busi_viewer.training import precision
from busi_viewer.training.data import Item

FOLDER = paths.bundled_models() / "busi-default"
ABLE = "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@pytest.fixture(scope="module")
def validation():
    greys = [phantom(kind, seed)[0] for seed in (1, 2) for kind in ("benign", "malignant")]
    return [Item(f"set/{n}", grey, None, 1, grey) for n, grey in enumerate(greys)]


@pytest.fixture
def card(monkeypatch):
    monkeypatch.setattr(precision, "FEWEST", 4)
    return read_card(FOLDER).model_copy(update={"bfloat16": False})


def test_a_model_whose_answers_stay_is_let_use_bfloat16(card, validation):
    found = precision.with_bfloat16(FOLDER, card, validation)
    assert found.bfloat16 == ABLE
    if ABLE:
        told = found.training["bfloat16"]
        assert (told["images"], told["missed"]) == (4, 0)
        assert 0.995 <= told["worst"]["dice"] <= 1
        assert 0 < told["worst"]["probability"] <= 0.01, "both ways were computed"
    assert found.training.items() >= card.training.items()


@pytest.mark.skipif(not ABLE, reason="needs a processor with bfloat16")
def test_one_image_that_misses_a_bar_keeps_float32(card, validation, monkeypatch):
    seen = [precision.apart(card, *_both(card), item.grey)["probability"] for item in validation]
    monkeypatch.setitem(precision.BARS, "probability", (sorted(seen)[-1] + sorted(seen)[-2]) / 2)
    found = precision.with_bfloat16(FOLDER, card.model_copy(update={"bfloat16": True}), validation)
    assert not found.bfloat16
    assert found.training["bfloat16"]["missed"] == 1


def test_too_few_images_say_nothing(card, validation):
    assert precision.with_bfloat16(FOLDER, card, validation[:3]) == card


def _both(card):
    return [precision.compiled(FOLDER, card.model_copy(update={"bfloat16": on})) for on in (True, False)]

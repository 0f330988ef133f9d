"""Pages of evaluations, comparisons and model cards: whole, escaped, with numbers beside their data."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from busi_viewer import paths
from busi_viewer.core import paired
from busi_viewer.core.breakdown import condense, full_figures, over_folds
from busi_viewer.core.cases import Axis, Case, Outline
from busi_viewer.core.metrics import PixelCounts
from busi_viewer.core.results import ModelInfo
from busi_viewer.core.thumbnails import thumbnail
from busi_viewer.core.worst import Shown, worst_cases
from busi_viewer.report import card_content, plots, study_parts
from busi_viewer.report.study_pages import HtmlStudyPages
from busi_viewer.workflow.analyse import Failure
from busi_viewer.workflow.evaluate import card_figures, summarise

PAGES = HtmlStudyPages()
VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Fails on tags that do not close in order; keeps words and images."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.images = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.images.append(dict(attributes)["src"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def case(number, shift=0.0):
    """Every third malignant, normal, benign; outlines and estimates of mixed quality."""
    rng = np.random.default_rng(number)
    label = ("malignant", "normal", "benign")[number % 3]
    malignant = float(np.clip(rng.normal(0.7 if label == "malignant" else 0.3, 0.2) + shift, 0.01, 0.98))
    p = ((1 - malignant) * 0.3, (1 - malignant) * 0.7, malignant)
    tp, fp, fn = (0, 5 * (number % 2), 0) if label == "normal" else (int(rng.integers(0, 40)), 8, 10)
    axes = (None, None) if label == "normal" else (Axis(20.0, 4.0), Axis(20 + rng.normal(), 4.0) if tp else None)
    outline = Outline(
        PixelCounts(tp, fp, fn, 500), 3.0 if tp else float("nan"), int(tp > 20), int(tp + fn > 0), None, *axes
    )
    return Case(
        number // 2,
        label,
        p,
        malignant >= 0.4,
        number % 7 == 0,
        12.0,
        outline,
        f"{'<b>' if number % 4 else 'two'}/{number}.png",
    )


CASES = [case(number) for number in range(60)]
MODEL = ModelInfo("<model>", "1.0", "ab" * 32, operating_point=0.4)


@pytest.fixture(scope="module")
def result():
    found = summarise(CASES, [Failure("/x/<y>.png", "not an image")], MODEL, "cpu")
    found["data"] |= {"split": None, "part": None}
    return found


def test_the_page_of_an_evaluation_says_everything(result):
    worst = worst_cases(CASES, shown=2)
    picture = thumbnail(np.full((30, 40), 90, np.uint8))
    first = worst[0].shown[0].case
    shown = [type(k)(k.title, k.order, k.total, tuple(Shown(s.case, picture) for s in k.shown)) for k in worst[:1]]
    page = Reader(PAGES.evaluation(result, CASES, [*shown, *worst[1:]]))
    for words in (
        "<model> 1.0",
        "Research use only",
        "n 20",
        worst[0].title,
        "<b>",
        "not an image",
    ):
        assert words in page.text
    assert first.id in page.text
    assert sum(uri.startswith("data:image/svg") for uri in page.images) == 8
    assert sum(uri.startswith("data:image/jpeg") for uri in page.images) == len(worst[0].shown)
    assert "(0.00–0.00)" not in page.text
    assert "(1.00–1.00)" not in page.text
    assert "no picture" in page.text


def test_the_page_of_a_crossval_shows_each_fold(result):
    halves = [condense(full_figures(CASES[i::2], 0.4)) for i in (0, 1)]
    folds = [{"fold": i + 1, "model": {}, "figures": half} for i, half in enumerate(halves)]
    page = Reader(PAGES.evaluation({**result, "folds": folds, "over_folds": over_folds(halves)}, CASES, []))
    assert "Cross-validation" in page.text
    assert "fold 2 (n 30)" in page.text
    assert "±" in page.text


def test_an_evaluation_without_classes_or_lesions_has_a_page():
    for cases in ([], CASES[1:2], [c for c in CASES if c.label == "benign"][:3]):
        found = summarise(cases, [], MODEL, None)
        found["data"] |= {"split": None, "part": None}
        assert f"{len(cases)} images" in Reader(PAGES.evaluation(found, cases, worst_cases(cases))).text


def test_the_page_of_a_comparison():
    second = [case(number, shift=0.1) for number in range(60)]
    groups = [c.group for c in CASES]
    comparison = {
        "runs": [
            {
                "name": name,
                "model": {"name": "m", "version": "1", "sha256": "0"},
                "n": 60,
                "not_common": 0,
                "figures": condense(full_figures(cases, 0.4)),
            }
            for name, cases in (("first", CASES), ("<second>", second))
        ],
        "common": {"n": 60, "groups": 30, "by_class": {"normal": 20}, "sets": [{"name": "two", "n": 60}]},
        "pairs": [{"first": "first", "second": "<second>", **paired.compare(CASES, second, groups)}],
    }
    page = Reader(PAGES.comparison(comparison, [CASES, second]))
    assert "first − <second>" in page.text
    assert "McNemar" in page.text
    assert len(page.images) == 2


CARD = {
    "schema": 1,
    "name": "busi<x>",
    "version": "2.0",
    "sha256": "cd" * 32,
    "operating_point": 0.4,
    "calibration": {
        "temperature": 1.2,
        "bias": [0.1, 0.2, 0.3],
        "data": "BUSI",
        "n": 9,
        "prevalence": {"normal": 0.25},
    },
    "guard": {
        "mean": [0.0] * 50,
        "projection": [[0.0] * 3] * 50,
        "limit": 3.5,
        "doppler": {"value": 0.9, "ci95": [0.8, 1.0]},
    },
    "training": {"seed": 7, "train": {"n": 3, "BUSI": {"benign": 2, "normal": 1}}, "validation": {"n": 0}},
    "data": [{"name": "BUSI", "licence": "CC BY 4.0", "attribution": "A | B_c"}],
    "limits": ["Not for men."],
    "descriptors": {"shape": {"n": 9, "kappa": 0.5, "kappa_ci95": [0.4, 0.6]}, "margin": {"n": 8}},
    "surprise": {"nested": {"deep": {"deeper": [1, 2]}}, "things": [{"a": 1}, {"b": None}]},
    "intended_use": "Research use only.",
}


def test_a_card_is_readable_with_what_it_has_and_what_nobody_foresaw(result):
    card = {
        **CARD,
        "metrics": {"val": card_figures(result), "odd": 3, "test": {"BUSI": {"n": 1, "by_class": {"benign": 1}}}},
    }
    page = Reader(PAGES.card(card))
    for words in (
        "busi<x>",
        "Not for men.",
        "CC BY 4.0",
        "0.500 (0.400–0.600)",
        "50 values",
        "Surprise",
        "deeper",
        "BUSI",
    ):
        assert words in page.text
    assert sum(uri.startswith("data:image/svg") for uri in page.images) == 3
    assert "0.900 (0.800–1.000)" in page.text
    text = PAGES.card_markdown(card)
    assert "A \\| B\\_c" in text
    assert "busi&lt;x>" in text
    assert "<svg" not in text
    assert "40.0 % (operating point)" in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(bars) == 1


def test_the_page_of_a_descriptor_model_has_its_figures_data_and_limits():
    card = json.loads((paths.bundled_models() / "busi-descriptors" / "descriptors.json").read_text(encoding="utf-8"))
    text = PAGES.card_markdown(card)
    assert text == (paths.bundled_models() / "busi-descriptors" / "README.md").read_text(encoding="utf-8")
    page = Reader(PAGES.card(card)).text
    for name, fitted in card["descriptors"].items():
        found = fitted["figures"]["redrawn_outlines"]["kappa"]
        low, high = found["ci95"]
        assert name.replace("_", " ") in page
        assert f"{found['value']:.3f} ({low:.3f}–{high:.3f})" in page
    for words in ("CC BY 4.0", "Pawłowska", "another hospital's", "irregular (67)"):
        assert words in page
    assert str(card["descriptors"]["shape"]["intercepts"][0]) not in page


def test_an_almost_empty_card_is_readable():
    for card in ({}, {"name": "x", "metrics": None, "training": None, "guard": None, "calibration": None}):
        assert "does not exclude cancer" in PAGES.card_markdown(card)
        assert "Research use only" in Reader(PAGES.card(card)).text


def test_any_json_has_words():
    assert card_content.generic(None) == card_content.generic({}) == ()
    assert card_content.scalar(True) == "yes"
    assert card_content.scalar({"mean": 0.5, "ci95": None}) == "0.500"
    assert card_content.scalar([0.1] * 30) == "30 values"
    assert card_content.generic("words") == (card_content.Text("words"),)


def test_numbers_are_written_for_reading():
    assert study_parts.number(-0.25, 2) == "−0.25"
    assert study_parts.interval([0.1, 0.2], 1) == "0.1–0.2"
    assert study_parts.interval([-0.1, 0.2], 1) == "−0.1 to 0.2"
    assert study_parts.interval(None) == study_parts.interval([None, None]) == "–"
    assert study_parts.with_interval({"x": 0.5, "x_ci95": [0.4, 0.6]}, "x") == "0.50 (0.40–0.60)"


def test_the_same_plot_is_the_same_text():
    made = [plots.confusion([[1, 2, 3]] * 3, ["a", "b", "c"]) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].count("<svg") == 1

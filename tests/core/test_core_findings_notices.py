"""Notices on findings: each contradiction and gap is remarked, and nothing else is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from busi_viewer.core.findings import Findings, LesionFindings, Location, prefilled, stated_side
from busi_viewer.core.findings_notices import notices
from busi_viewer.core.lexicon import ECHO, MARGIN, ORIENTATION, SHAPE, SPECIAL
from busi_viewer.core.results import AnalysisResult, FrameResult, ModelInfo, Quality, at_point


def analysis(*malignant: float, abstained: bool = False) -> AnalysisResult:
    frames = tuple(
        FrameResult(
            i, (0.0, 1 - p, p), True, p >= 0.3, abstained, (), Quality(True, 0.9), np.zeros((4, 4), bool), (), None
        )
        for i, p in enumerate(malignant)
    )
    return AnalysisResult(Path("a.png"), "a" * 64, ModelInfo("m", "1", "ab" * 32, 0.3), "cpu", frames)


def texts(findings: Findings, result: AnalysisResult | None = None, facts: dict | None = None, **rest: object) -> list:
    return [notice.text for notice in notices(findings, result, facts or {}, **rest)]


def one(assessment: str | None = None, frame: int = 0, **words: tuple[str, ...]) -> Findings:
    return Findings(lesions=(LesionFindings(1, frame, words=words, assessment=assessment),))


@pytest.mark.parametrize("margin", ["indistinct", "angular", "microlobulated", "spiculated"])
@pytest.mark.parametrize("category", ["2", "3"])
def test_a_suspicious_margin_with_a_low_category_is_remarked(margin, category):
    assert texts(one(category, margin=(margin,))) == [f"Lesion 1: {margin} with category {category}."]
    assert texts(one("4B", margin=(margin,))) == []


def test_it_is_not_where_a_special_case_explains_it():
    assert texts(one("2", margin=("spiculated",), special_cases=("fat necrosis",))) == []


def test_benign_words_with_a_low_category_are_not_remarked():
    assert texts(one("3", shape=("oval",), margin=("circumscribed",), orientation=("parallel",))) == []
    assert texts(one("2", orientation=("not parallel",))) == []
    assert texts(one("3", orientation=("not parallel",))) == ["Lesion 1: not parallel with category 3."]


def test_harmless_words_with_a_high_category_are_remarked():
    words = {SHAPE: ("oval",), MARGIN: ("circumscribed",), ORIENTATION: ("parallel",)}
    assert texts(one("5", **words)) == ["Lesion 1: oval or round, parallel and circumscribed with category 5."]
    assert texts(one("4A", **words)) == []


def test_the_estimate_and_the_category_are_compared_both_ways():
    high, low = analysis(0.8), analysis(0.1)
    assert texts(one("3"), high) == ["The malignant estimate is above the operating point of 30 %, with category 3."]
    assert texts(one("4C"), low) == ["The malignant estimate is below the operating point of 30 %, with category 4C."]
    assert all(texts(one(category), low) for category in ("4A", "4B", "5"))
    assert texts(one("4C"), high) == texts(one("2"), low) == texts(one("0"), low) == []


def test_of_several_lesions_it_is_said_which():
    several = Findings(lesions=(LesionFindings(1, assessment="4B"), LesionFindings(2, assessment="2")))
    remark = "the malignant estimate is above the operating point of 30 %, with category 2."
    assert texts(several, analysis(0.8)) == [f"Lesion 2: {remark}"]
    of_the_image = replace(several, assessment="2")
    assert [text for text in texts(of_the_image, analysis(0.8)) if "estimate" in text] == [f"Lesion 2: {remark}"]


def test_the_operating_point_in_force_counts():
    assert texts(one("3"), at_point(analysis(0.2), 0.1)) == [
        "The malignant estimate is above the operating point of 10 %, with category 3."
    ]
    assert texts(one("3"), at_point(analysis(0.8), 0.9)) == []


def test_a_withheld_estimate_contradicts_nothing():
    assert texts(one("5"), analysis(0.1, abstained=True)) == []
    assert texts(one("2"), analysis(0.9, abstained=True)) == []


def test_a_lesion_is_compared_with_its_own_frame_and_the_image_with_all():
    both = analysis(0.1, 0.9)
    assert texts(one("2", frame=0), both) == []
    assert len(texts(one("2", frame=1), both)) == 1
    assert len(texts(Findings(assessment="1"), both)) == 1
    assert texts(Findings(assessment="5"), both) == []


def test_category_4_wants_its_subcategory():
    assert texts(one("4")) == ["Lesion 1: category 4 without its subcategory (4A, 4B or 4C)."]
    assert texts(Findings(assessment="4")) == ["Category 4 without its subcategory (4A, 4B or 4C)."]
    assert notices(Findings(assessment="4"), None, {})[0].gap


def test_a_margin_wants_its_kind():
    assert texts(one("4A", margin=("not circumscribed",))) == ["Lesion 1: margin not circumscribed, its kind not said."]


@pytest.mark.parametrize(("header", "side"), [("L", "left"), ("R", "right"), ("B", None), ("U", None), ("", None)])
def test_only_the_header_fills_in_the_side(header, side):
    assert stated_side({"Laterality": header}) == side
    assert prefilled({"Laterality": header}) == Findings(location=Location(side=side))
    assert prefilled({}).empty


def test_a_side_that_contradicts_the_header_is_remarked():
    said = Findings(location=Location(side="left"))
    assert texts(said, facts={"Laterality": "R"}) == ["Side left, but the file's header says right."]
    assert texts(said, facts={"Laterality": "L"}) == texts(said) == texts(said, facts={"Laterality": "B"}) == []


def test_the_images_category_below_a_lesions_is_remarked():
    said = Findings(lesions=(LesionFindings(1, assessment="4B"), LesionFindings(2, assessment="2")), assessment="3")
    assert texts(said) == ["Category 3 for the image, but 4B for lesion 1."]


@pytest.mark.parametrize(
    ("category", "management", "remarked"),
    [
        ("2", "tissue sampling", True),
        ("5", "routine screening", True),
        ("4A", "short-interval follow-up", True),
        ("4A", "tissue sampling", False),
        ("2", "routine screening", False),
    ],
)
def test_a_management_unlike_the_category_is_remarked(category, management, remarked):
    assert bool(texts(Findings(assessment=category, management=management))) == remarked


def test_a_simple_cyst_is_anechoic_and_not_suspicious():
    assert texts(one("4A", **{SPECIAL: ("simple cyst",), ECHO: ("hypoechoic",)})) == [
        "Lesion 1: simple cyst with echo pattern hypoechoic.",
        "Lesion 1: simple cyst with category 4A.",
    ]
    assert texts(one("2", **{SPECIAL: ("simple cyst",), ECHO: ("anechoic",)})) == []


def test_a_described_lesion_is_not_category_1_and_wants_an_outline():
    assert texts(one("1", shape=("oval",))) == ["Lesion 1: a lesion is described with category 1."]
    assert texts(one("2", shape=("oval",)), gone=(1,)) == ["Lesion 1: described, but no longer outlined."]


def test_lesions_are_called_what_the_screen_calls_them_and_gaps_come_last():
    said = Findings(
        lesions=(LesionFindings(1, assessment="4"), LesionFindings(2, words={MARGIN: ("spiculated",)}, assessment="2"))
    )
    assert texts(said, names={1: "Lesion 2", 2: "Lesion 1"}) == [
        "Lesion 1: spiculated with category 2.",
        "Lesion 2: category 4 without its subcategory (4A, 4B or 4C).",
    ]

"""Structured findings: words of the lexicon only, JSON and back, and which outline a lesion's findings belong to."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from busi_viewer.core.findings import (
    Findings,
    FindingsError,
    LesionFindings,
    Location,
    assigned,
    from_json,
    to_json,
)
from busi_viewer.core.lexicon import (
    FIFTH,
    MARGIN,
    ORIENTATION,
    PLANES,
    POSITIONS,
    SHAPE,
    SIDES,
    VALUES,
    Descriptor,
    covered,
)
from busi_viewer.core.measure import Lesion, measure


def maybe(values: object) -> st.SearchStrategy:
    return st.none() | st.sampled_from(tuple(values))  # type: ignore[arg-type]


def values_of(descriptor: Descriptor) -> st.SearchStrategy[tuple[str, ...]]:
    one = st.sampled_from(descriptor.values).map(lambda value: (value,))
    several = [value for value in descriptor.values if value not in descriptor.alone]
    chosen = st.sets(st.sampled_from(several), min_size=1)
    return one | chosen.map(lambda s: tuple(v for v in several if v in s)) if descriptor.several else one


distances = st.none() | st.integers(0, 300) | st.floats(0, 300)
lesions = st.builds(
    LesionFindings,
    key=st.integers(1, 99),
    frame=st.integers(0, 500),
    place=st.none() | st.tuples(*[st.integers(1, 4000)] * 4),
    words=st.fixed_dictionaries({}, optional={one.name: values_of(one) for one in FIFTH.lesion}),
    position=maybe(POSITIONS),
    distance_mm=distances,
    assessment=maybe(FIFTH.assessments),
)
findings = st.builds(
    Findings,
    composition=maybe(FIFTH.composition.values),
    location=st.builds(Location, maybe(SIDES), maybe(POSITIONS), distances, maybe(PLANES)),
    lesions=st.lists(lesions, max_size=3, unique_by=lambda one: one.key).map(
        lambda found: tuple(sorted(found, key=lambda one: one.key))
    ),
    assessment=maybe(FIFTH.assessments),
    management=maybe(FIFTH.managements),
    history=st.text(),
    comparison=st.text(),
    technique=st.text(),
    impression=st.text(),
)


@given(findings)
def test_json_and_back_is_the_same(said: Findings) -> None:
    assert from_json(json.loads(json.dumps(to_json(said)))) == said


def test_nothing_said_is_nearly_nothing_written() -> None:
    assert to_json(Findings()) == {"schema": 1, "lexicon": "birads-us-2013"}
    assert Findings().empty
    assert not Findings(impression="Cyst.").empty


GOOD = to_json(Findings(lesions=(LesionFindings(1, place=(1, 2, 3, 4), words={SHAPE: ("oval",)}),), assessment="4A"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "reads form 1"),
        ({"schema": None}, "reads form 1"),
        ({"lexicon": "birads-us-2099"}, "birads-us-2099"),
        ({"lexicon": ["birads-us-2013"]}, "is not known"),
        ({"colour": "red"}, "unknown entry 'colour'"),
        ({"location": {"depth": 3}}, "unknown entry 'depth'"),
        ({"location": {"side": "up"}}, "'up' is not in the lexicon"),
        ({"location": {"distance_mm": -1}}, "not between"),
        ({"location": {"distance_mm": float("nan")}}, "not between"),
        ({"location": {"distance_mm": "4 cm"}}, "a number was expected"),
        ({"location": 3}, "an object was expected"),
        ({"assessment": "4D"}, "'4D' is not in the lexicon"),
        ({"assessment": ["4A"]}, "is not in the lexicon"),
        ({"history": 3}, "a text was expected"),
        ({"lesions": {"0": {}}}, "no lesion's number"),
        ({"lesions": {"1": {"vibe": "bad"}}}, "unknown entry 'vibe'"),
        ({"lesions": {"1": {"shape": ["square"]}}}, "'square' is not in the lexicon"),
        ({"lesions": {"1": {"shape": "oval"}}}, "a list of words"),
        ({"lesions": {"1": {"shape": ["oval", "round"]}}}, "'oval, round' is not in the lexicon"),
        ({"lesions": {"1": {"margin": ["circumscribed", "angular"]}}}, "is not in the lexicon"),
        ({"lesions": {"1": {"frame": -1}}}, "a whole number"),
        ({"lesions": {"1": {"place": [1, 2, 3]}}}, "four whole numbers"),
        ({"lesions": []}, "an object was expected"),
    ],
)
def test_what_is_not_findings_is_refused_in_words(change: dict, said: str) -> None:
    with pytest.raises(FindingsError, match=said):
        from_json({**GOOD, **change})
    assert from_json(GOOD).assessment == "4A"


def test_no_object_is_refused() -> None:
    with pytest.raises(FindingsError, match="an object was expected"):
        from_json([1, 2])


def test_several_margins_may_be_given_but_not_with_circumscribed() -> None:
    margin = FIFTH.descriptor(MARGIN)
    assert margin.fits(("indistinct", "spiculated"))
    assert not margin.fits(("spiculated", "indistinct"))
    assert not margin.fits(("circumscribed", "spiculated"))
    assert not FIFTH.descriptor(SHAPE).fits(("oval", "irregular"))


def test_every_proposal_stands_for_words_that_a_reader_may_give() -> None:
    for name, proposed in VALUES.items():
        allowed = FIFTH.descriptor(name).values
        for value in proposed:
            assert covered(name, value)
            assert set(covered(name, value)) <= set(allowed)


def test_the_category_is_the_readers_else_the_gravest_lesions() -> None:
    two = (LesionFindings(1, assessment="3"), LesionFindings(2, assessment="4B"), LesionFindings(3, assessment="6"))
    assert Findings().category is None
    assert Findings(lesions=two).category == "4B"
    assert Findings(lesions=two, assessment="2").category == "2"
    assert Findings(lesions=(LesionFindings(1, assessment="0"), LesionFindings(2, assessment="6"))).category == "0"


def test_a_lesions_own_position_goes_before_the_images() -> None:
    own = LesionFindings(2, position="3:00", assessment="2")
    said = Findings(location=Location("left", "2:00", 40, "radial"), lesions=(own,))
    assert said.location_of(own) == Location("left", "3:00", 40, "radial")


def test_saying_nothing_of_a_lesion_takes_it_out() -> None:
    lesion = LesionFindings(1).saying(SHAPE, ("oval",))
    said = Findings().with_lesion(lesion)
    assert said.lesion(1) == lesion
    assert said.next_key() == 2
    assert said.with_lesion(lesion.saying(SHAPE, ())).empty


def box(x: int, y: int, w: int, h: int) -> Lesion:
    mask = np.zeros((300, 300), bool)
    mask[y : y + h, x : x + w] = True
    return measure(mask)


def test_findings_follow_their_outline_when_another_grows_larger() -> None:
    left = LesionFindings(1, place=(10, 10, 60, 60), words={SHAPE: ("oval",)})
    right = LesionFindings(2, place=(200, 10, 40, 40), words={SHAPE: ("irregular",)})
    elsewhere = LesionFindings(3, frame=1, place=(10, 10, 60, 60), words={ORIENTATION: ("parallel",)})
    said = Findings(lesions=(left, right, elsewhere))
    grown, shrunk, new = box(190, 5, 90, 90), box(15, 15, 50, 40), box(100, 250, 20, 20)
    assert assigned(said, 0, (grown, shrunk, new)) == ((right, left, None), ())
    assert assigned(said, 0, (shrunk,)) == ((left,), (right,))
    assert assigned(said, 2, (shrunk,)) == ((None,), ())


def test_of_two_findings_that_now_share_an_outline_the_nearer_one_has_it() -> None:
    a = LesionFindings(1, place=(0, 0, 50, 50), words={SHAPE: ("oval",)})
    b = LesionFindings(2, place=(60, 0, 30, 50), words={SHAPE: ("round",)})
    merged = box(0, 0, 90, 50)
    assert assigned(Findings(lesions=(a, b)), 0, (merged,)) == ((a,), (b,))

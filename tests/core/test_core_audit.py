"""Findings on single images, masks, groups and splits, from facts alone."""

from pathlib import Path

import numpy as np
import pytest

from busi_viewer.core.audit import KINDS, MaskFacts, Observation, image_findings, mask_facts, set_counts
from busi_viewer.core.audit_groups import duplicate_groups, group_findings, pair_findings, split_findings
from busi_viewer.core.content import Content
from busi_viewer.core.dataset import Sample
from busi_viewer.core.same_scene import Match, Pair

PLAIN = Content(blank=False, colour_share=0.0, flow=(), pane_edge=None, text=(), callipers=())


def seen(name="a.png", label="benign", masks=None, *, patient=None, pixels="", content=PLAIN, problem=""):
    facts = masks if masks is not None else [mask_facts("m.png", square())]
    sample = Sample(f"set/{name}", Path(name), tuple(Path(m.file) for m in facts), label, patient, {})
    return Observation(sample, (100, 120), pixels, pixels or name, content, tuple(facts), problem)


def square(x0=40, x1=60, shape=(100, 120)):
    mask = np.zeros(shape, dtype=bool)
    mask[30:60, x0:x1] = True
    return mask


def kinds(*observed):
    return [finding.kind for finding in image_findings(observed)]


def test_a_sound_image_gives_no_finding():
    assert kinds(seen()) == []
    assert kinds(seen(label="normal", masks=[])) == []
    assert kinds(seen(label="normal", masks=[mask_facts("m", square() & False)])) == []


@pytest.mark.parametrize(
    ("mask", "label", "kind"),
    [
        (square(shape=(90, 120)), "benign", "mask_other_size"),
        (square() & False, "malignant", "mask_empty"),
        (square(), "normal", "mask_on_normal"),
        (~square(), "benign", "mask_inverted"),
        (square(0, 50), "benign", "mask_touches_border"),
    ],
)
def test_faulty_masks_are_found(mask, label, kind):
    assert kinds(seen(label=label, masks=[mask_facts("m.png", mask)])) == [kind]


def test_a_lesion_in_a_corner_is_not_inverted():
    mask = np.zeros((100, 120), dtype=bool)
    mask[:60, :70] = True
    found = image_findings([seen(masks=[mask_facts("m.png", mask)])])
    assert [f.kind for f in found] == ["mask_touches_border"]
    assert found[0].numbers["sides"] == ["top", "left"]


def test_specks_are_found_beside_the_lesion_but_not_a_second_lesion():
    mask = np.zeros((600, 800), dtype=bool)
    mask[100:300, 100:300] = True
    mask[400:450, 500:560] = True
    assert kinds(Observation(seen().sample, mask.shape, masks=(mask_facts("m", mask),))) == []
    mask[550, 700] = True
    found = image_findings([Observation(seen().sample, mask.shape, masks=(mask_facts("m", mask),))])
    assert [f.kind for f in found] == ["mask_specks"]
    assert found[0].numbers["specks"] == [1]


def test_missing_unreadable_and_several_masks_and_labels_are_found():
    assert kinds(seen(masks=[])) == ["mask_missing"]
    assert kinds(seen(label=None)) == ["no_label"]
    assert kinds(seen(masks=[MaskFacts("m.png", problem="broken")])) == ["unreadable_mask"]
    assert kinds(seen(masks=[mask_facts("m", square()), mask_facts("n", square(70, 90))])) == ["several_masks"]
    assert kinds(seen(problem="truncated")) == ["unreadable_image"]
    assert kinds(seen("b_mask.png", masks=[])) == ["mask_missing", "mask_without_image"]


def test_what_is_seen_on_the_image_is_reported():
    box = (1, 2, 3, 4)
    content = Content(False, 0.1, (box,), 50, (box,), (box, box))
    found = image_findings([seen(content=content)])
    assert [f.kind for f in found] == ["doppler", "two_views", "callipers", "text"]
    assert found[2].numbers["boxes"] == [[1, 2, 3, 4]] * 2
    assert kinds(seen(content=Content(True, 0.0, (), None, (), ()))) == ["blank"]


def test_findings_come_worst_first_and_say_what_to_do():
    found = image_findings([seen(label=None), seen(masks=[]), seen(problem="x")])
    order = list(KINDS)
    assert [order.index(f.kind) for f in found] == sorted(order.index(f.kind) for f in found)
    assert all(f.as_json()["do"] and f.as_json()["severity"] in ("error", "warn", "note") for f in found)


SAME = Match(inliers=80, detail=0.98, overlap=0.7, scale=1.3, mirrored=False)
FRAME = Match(inliers=20, detail=0.6, overlap=0.98, scale=1.0, mirrored=False)


def test_pairs_are_worded_and_those_that_conflict_come_first():
    observed = [seen("a"), seen("b", "malignant"), seen("c"), seen("d")]
    pairs = [Pair(0, 2, 0.99, FRAME), Pair(0, 1, 0.8, SAME), Pair(2, 3, 0.96, None)]
    found = pair_findings(observed, pairs, {})
    assert [(f.kind, f.ids) for f in found] == [
        ("near_duplicates", ("set/a", "set/b")),
        ("near_duplicates", ("set/a", "set/c")),
        ("look_alikes", ("set/c", "set/d")),
    ]
    assert found[0].what.startswith("the same picture, 1.30 times the size, 70 % in common; correlation 0.800")
    assert found[1].what.startswith("neighbouring frames; correlation 0.990")
    assert found[0].numbers["labels"] == ["benign", "malignant"]


def test_identical_images_are_one_finding_and_no_near_duplicates():
    observed = [seen("a", pixels="p"), seen("b", pixels="p"), seen("c", pixels="p"), seen("d")]
    found = pair_findings(observed, [Pair(0, 1, 1.0, SAME), Pair(1, 3, 0.99, SAME)], {})
    assert [(f.kind, len(f.ids)) for f in found] == [("exact_duplicates", 3), ("near_duplicates", 2)]


def test_groups_are_transitive_and_look_alikes_do_not_link():
    observed = [seen(name) for name in "abcdef"]
    pairs = [Pair(0, 1, 0.9, SAME), Pair(1, 2, 0.9, FRAME), Pair(3, 4, 0.97, None)]
    groups = duplicate_groups(observed, pairs)
    assert [[one.sample.id for one in group] for group in groups] == [["set/a", "set/b", "set/c"]]


def test_groups_with_two_labels_patients_or_parts_are_found():
    group = [seen("a", patient="1"), seen("b", "malignant", patient="2"), seen("c", patient="1")]
    split = {"set/a": "train", "set/b": "train", "set/c": "test"}
    found = group_findings([group], split)
    assert [f.kind for f in found] == ["conflicting_labels", "duplicates_across_patients", "leak_duplicates"]
    assert found[2].what == "3 images of one scene, in train and test"
    assert group_findings([[seen("a"), seen("b")]], {}) == []


def test_leaks_of_patients_and_wrong_ids_of_a_split_are_found():
    observed = [seen("a", patient="1"), seen("b", patient="1"), seen("c", patient="2"), seen("d", patient="2")]
    split = {"set/a": "train", "set/b": "val", "set/c": "val", "set/gone": "val", "other/x": "train"}
    found = {f.kind: f for f in split_findings(observed, split)}
    assert found["leak_patient"].ids == ("set/a", "set/b")
    assert found["leak_patient"].numbers == {"parts": {"train": 1, "val": 1}}
    assert found["split_unknown_ids"].ids == ("set/gone",)
    assert found["split_missing_ids"].ids == ("set/d",)


def test_counts_of_a_set():
    observed = [
        seen("a", patient="1"),
        seen("b", "malignant", patient="1"),
        seen("c", patient="2", masks=[]),
        seen("d", None, problem="x"),
    ]
    (counts,) = set_counts(observed)
    assert counts["images"] == 4
    assert counts["unreadable"] == 1
    assert counts["by_class"] == {"normal": 0, "benign": 2, "malignant": 1, "no label": 1}
    assert counts["patients"] == 2
    assert counts["patients_by_class"] == {"normal": 0, "benign": 2, "malignant": 1}
    assert counts["images_per_patient"] == {"min": 1, "median": 1.5, "max": 2}
    assert counts["without_patient"] == 1

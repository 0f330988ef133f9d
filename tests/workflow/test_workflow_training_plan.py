"""From an audit to a split: what is left out, and that groups stay together."""

import csv
import json
from collections import defaultdict

import cv2
import numpy as np
import pytest

from busi_viewer.bootstrap import services
from busi_viewer.cli.terminal import Terminal
from busi_viewer.core.phantom import phantom
from busi_viewer.workflow import training_plan
from busi_viewer.workflow.audit import audit
from busi_viewer.workflow.training_plan import DROPPED


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Phantoms by a manifest with patients: one empty mask, and one image that lies there twice under other patients."""
    root = tmp_path_factory.mktemp("data") / "cases"
    root.mkdir()
    rows = []
    for i in range(30):
        kind = ("none", "benign", "malignant")[i % 3]
        image, mask = phantom(kind, i, (96, 128))
        if i == 28:
            mask[:] = False
        if i == 27:
            image, mask = phantom("none", 0, (96, 128))
        cv2.imwrite(str(root / f"{i}.png"), image)
        cv2.imwrite(str(root / f"{i}m.png"), mask.astype(np.uint8) * 255)
        rows.append((f"{i}.png", f"{i}m.png" if kind != "none" else "", kind.replace("none", "normal"), f"p{i // 2}"))
    with (root / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("image", "mask", "label", "patient"), *rows])
    return root, audit([root], services(), Terminal()).result


def test_faulty_images_are_advised_against_and_left_out(data):
    root, result = data
    advised = training_plan.advised(result)
    assert "cases/28.png" in advised
    assert "cases/1.png" not in advised
    made = training_plan.plan([root], result, advised)
    assert {i for i, part in made.parts.items() if part == DROPPED} == set(advised)
    assert sum(count.images for count in made.counts) == 30


def test_patients_and_scenes_never_lie_in_two_parts(data):
    root, result = data
    made = training_plan.plan([root], result, ())
    parts = defaultdict(set)
    for i in range(30):
        parts[i // 2].add(made.parts[f"cases/{i}.png"])
    assert all(len(held) == 1 for held in parts.values())
    assert made.parts["cases/0.png"] == made.parts["cases/27.png"], "the twin under another patient"
    assert made.leaks == 0
    counts = {count.part: count for count in made.counts}
    assert counts["train"].images > counts["val"].images > 0
    assert counts["test"].images > 0
    assert counts["train"].by_class["malignant"] > 0


def test_a_leak_in_a_given_split_is_counted(data, tmp_path):
    root, result = data
    parts = dict(training_plan.plan([root], result, ()).parts)
    parts["cases/27.png"] = next(part for part in ("train", "val") if part != parts["cases/0.png"])
    assert training_plan.check([root], result, parts).leaks == 1
    training_plan.write(tmp_path / "split.csv", parts)
    with (tmp_path / "split.csv").open(newline="") as stream:
        assert {row["id"]: row["part"] for row in csv.DictReader(stream)} == parts


def test_the_plan_is_the_same_again(data):
    root, result = data
    again = json.loads(json.dumps(result))
    assert training_plan.plan([root], result, ()) == training_plan.plan([root], again, ())

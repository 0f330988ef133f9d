"""Who said what and signed, from a real store; the letterhead from the settings."""

from pathlib import Path

import numpy as np
import pytest

from busi_viewer import bootstrap
from busi_viewer.core.casebook import FINDINGS, Version
from busi_viewer.core.document import Document
from busi_viewer.core.findings import Findings, LesionFindings, to_json
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.reporting import Letterhead, last_changes
from busi_viewer.core.steps import replacement_step
from busi_viewer.settings import Settings
from busi_viewer.workflow.reporting import letterhead, trail_of
from busi_viewer.workflow.signing import signed_content

OPEN = bootstrap.services().open_store


def record(name="a.png", grey=80, frames=12):
    stack = tuple(np.full((60, 80), grey, np.uint8) for _ in range(frames))
    return ImageRecord(Path(name), f"{grey:064x}", "png", ArrayFrames(stack), (60, 80))


def outline(store, image, of, frame):
    mask = np.zeros(of.shape, bool)
    mask[10:20, 10:30] = True
    store.commit(image, replacement_step(Document(of), frame, mask, "Accept outline"))


def test_the_last_change_of_each_entry_counts_also_one_that_took_it_back():
    versions = [
        Version(1, "t1", "ann", {"a": 1, "lesions": {"1": {"margin": ["angular"], "shape": ["oval"]}}}),
        Version(2, "t2", "bob", {"a": 1, "lesions": {"1": {"margin": ["spiculated"], "shape": ["oval"]}}}),
        Version(3, "t3", "cat", {"lesions": {"1": {"margin": ["spiculated"], "shape": ["oval"]}}}),
    ]
    assert last_changes(versions) == {
        "a": ("cat", "t3"),
        "lesions.1.margin": ("bob", "t2"),
        "lesions.1.shape": ("ann", "t1"),
    }


def test_a_trail_tells_who_said_drew_and_signed_each_by_the_name_they_sign_with(tmp_path):
    here, other = record(), record("b.png", 90)
    first = Findings(lesions=(LesionFindings(1, words={"shape": ("oval",)}),))
    with_more = first.with_lesion(first.lesions[0].saying("margin", ("angular",)))
    store = OPEN(tmp_path, "ann")
    kept = store.open_image(here)
    store.save_field(kept.image, FINDINGS, to_json(first))
    outline(store, kept.image, here, 1)
    outline(store, store.open_image(other).image, other, 1)
    store.close()
    store = OPEN(tmp_path, "bob")
    store.save_field(kept.image, FINDINGS, to_json(with_more))
    outline(store, kept.image, here, 10)
    document = Document(here)
    document.set_findings(with_more)
    store.sign(kept.image, signed_content(document, "Dr Bob Example"), "")
    trail = trail_of(store, kept.image, kept.case, here.sha256)
    assert trail.said["lesions.1.shape"].user == "ann"
    assert trail.said["lesions.1.margin"].user == "Dr Bob Example"
    assert {frame: change.user for frame, change in trail.outlines.items()} == {1: "ann", 10: "Dr Bob Example"}
    assert trail.signature is not None
    assert (trail.signature.signer, trail.signature.account, trail.signature.version) == ("Dr Bob Example", "bob", 1)
    assert trail.signature.current
    store.save_field(kept.image, FINDINGS, to_json(first))
    assert not trail_of(store, kept.image, kept.case, here.sha256).signature.current
    store.close()


@pytest.mark.parametrize(("logo", "path"), [("", None), ("/x/logo.png", Path("/x/logo.png"))])
def test_the_letterhead_comes_from_the_settings(logo, path):
    assert letterhead(Settings(facility="Centre", address="1 Road", logo=logo)) == Letterhead("Centre", "1 Road", path)

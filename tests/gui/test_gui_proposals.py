"""Descriptor proposals in the window: quiet rows below the sizes, in step with edits, frames and images."""

import json

import cv2
import numpy as np
import pytest

from busi_viewer import paths
from busi_viewer.core.document import Document
from busi_viewer.core.edits import MaskEdit
from busi_viewer.core.image import ArrayFrames, ImageRecord
from busi_viewer.core.lexicon import TITLES
from busi_viewer.gui.findings.lesion_form import LesionForm
from busi_viewer.gui.proposals import explained
from busi_viewer.gui.result_panel import ResultPanel
from busi_viewer.gui.session import Session
from busi_viewer.workflow.descriptors import PLACE, model, with_proposals

SHAPE = (300, 400)


def blob(waves=0.0, x=180):
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    u, v = (xx - x) / 60, (yy - 110) / 38
    return np.hypot(u, v) < 1 + waves * np.sin(9 * np.arctan2(v, u))


def image(seed=0):
    level = cv2.GaussianBlur(np.where(blob(), 40.0, 120.0), (0, 0), 1)
    noise = cv2.GaussianBlur(np.random.default_rng(seed).standard_normal(SHAPE), (0, 0), 1.5)
    return np.clip(level * (1 + 0.6 * noise), 0, 255).astype(np.uint8)


def session(frames=1):
    stack = tuple(image(i) for i in range(frames))
    return Session(Document(ImageRecord("case.png", "ab" * 32, "png", ArrayFrames(stack), SHAPE)))


def draw(case, mask):
    case.apply(MaskEdit(case.frame, (0, 0, SHAPE[1], SHAPE[0]), mask, "Brush"))


def shown(panel):
    """What is proposed of every lesion: [{title: word}]; lesions without a proposal are left out."""
    found = []
    for form in panel.findChildren(LesionForm):
        given = form.proposals() if form.isVisibleTo(panel) else {}
        if given:
            found.append({TITLES[name]: ", ".join(filter(None, (p.word, p.percent))) for name, p in given.items()})
    return found


@pytest.fixture
def panel(qtbot, qapp):
    made = ResultPanel()
    qtbot.addWidget(made)
    made.resize(384, 900)
    made.show()
    return made


def test_an_outline_gets_its_words_with_probability_and_basis(qtbot, panel):
    case = session()
    panel.set_session(case)
    assert shown(panel) == []
    draw(case, blob())
    qtbot.waitUntil(lambda: bool(shown(panel)), timeout=5000)
    (words,) = shown(panel)
    assert words["Orientation"] == "parallel"
    assert words["Shape"].startswith("oval or round, ")
    assert words["Shape"].endswith(" %")
    basis = panel.findChildren(LesionForm)[0].cells["shape"].toolTip()
    assert basis.startswith("Proposed: oval or round shape, ")
    assert "n = 126 BrEaST, balanced accuracy 0." in basis


def test_words_follow_an_edit_and_go_with_the_outline(qtbot, panel):
    case = session()
    panel.set_session(case)
    draw(case, blob())
    qtbot.waitUntil(lambda: bool(shown(panel)), timeout=5000)
    draw(case, blob(waves=0.3))
    qtbot.waitUntil(lambda: shown(panel)[0]["Shape"].startswith("irregular"), timeout=5000)
    case.undo.undo()
    qtbot.waitUntil(lambda: shown(panel)[0]["Shape"].startswith("oval or round"), timeout=5000)
    case.clear()
    qtbot.waitUntil(lambda: shown(panel) == [], timeout=5000)


def test_a_rash_of_edits_ends_with_the_words_of_the_last(qtbot, panel):
    case = session()
    panel.set_session(case)
    for waves in (0.0, 0.3, 0.0, 0.3, 0.0):
        draw(case, blob(waves=waves))
        qtbot.wait(20)
    qtbot.waitUntil(lambda: bool(shown(panel)), timeout=5000)
    qtbot.wait(150)
    assert shown(panel)[0]["Shape"].startswith("oval or round")


def test_several_lesions_have_rows_each_and_other_frames_and_images_none(qtbot, panel):
    case = session(frames=2)
    panel.set_session(case)
    draw(case, blob(x=90) | blob(x=300))
    qtbot.waitUntil(lambda: len(shown(panel)) == 2, timeout=5000)
    case.set_frame(1)
    assert shown(panel) == [], "at once: what is said of one frame must not stand beside another"
    case.set_frame(0)
    qtbot.waitUntil(lambda: len(shown(panel)) == 2, timeout=5000)
    panel.set_session(session())
    assert shown(panel) == []


def test_a_users_own_model_stands_in_place_of_the_bundled_one(tmp_path, monkeypatch):
    monkeypatch.setenv("BUSI_VIEWER_HOME", str(tmp_path))
    content = json.loads((paths.bundled_models() / PLACE).read_text(encoding="utf-8"))
    assert model().version == content["version"]
    own = paths.user_models() / PLACE
    own.parent.mkdir(parents=True)
    own.write_text(json.dumps({**content, "version": "own"}), encoding="utf-8")
    assert model().version == "own"
    own.write_text("damaged", encoding="utf-8")
    assert model() is None
    case = session()
    draw(case, blob())
    lesions = with_proposals(case.document.record, image(), case.lesions())
    assert [p.name for p in lesions[0].descriptors] == ["orientation"], "no model, no guess"


def test_words_about_a_proposal_never_name_a_category_or_a_diagnosis():
    case = session()
    draw(case, blob(waves=0.3))
    (lesion,) = with_proposals(case.document.record, image(), case.lesions())
    text = " ".join(explained(p) for p in lesion.descriptors).lower()
    assert not [word for word in ("bi-rads", "diagnos", "malignan", "benign", "suspicious", "cancer") if word in text]

"""What the reader is asked before an analysis touches images that carry an outline."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from busi_viewer.gui.language import plural, tr
from busi_viewer.gui.notices import Question


def question_of(frames: Sequence[int], count: int, keep: Callable[[], None], show: Callable[[], None]) -> Question:
    """Asks before an image is analysed whose ``frames`` (of ``count``) carry a reader's outline."""
    shown = ", ".join(str(frame + 1) for frame in frames[:5]) + (" …" if len(frames) > 5 else "")
    title = (
        tr("This image carries your outline. Analyse again?")
        if count == 1
        else plural(
            "Frame {frames} carries your outline. Analyse again?",
            "Frames {frames} carry your outline. Analyse again?",
            len(frames),
            frames=shown,
        )
    )
    return Question(
        title,
        tr(
            "Your outline stays, and the estimate is made anew; or AI's new outline is shown in its place, which can be undone."
        ),
        ((tr("Keep my outline"), keep), (tr("Show AI's outline"), show)),
    )


def question_of_many(count: int, go_on: Callable[[], None]) -> Question:
    """Asks before files are analysed that carry a reader's outline."""
    return Question(
        plural(
            "1 image carries your outline and was left out. Analyse it too?",
            "{n} images carry your outlines and were left out. Analyse them too?",
            count,
        ),
        tr("Your outlines stay as they are; each gets an estimate."),
        ((tr("Analyse, keep my outlines"), go_on),),
        here=False,
    )

"""What the reader is asked before an analysis touches images that carry an outline."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from busi_viewer.gui.notices import Question


def question_of(frames: Sequence[int], count: int, keep: Callable[[], None], show: Callable[[], None]) -> Question:
    """Asks before an image is analysed whose ``frames`` (of ``count``) carry a reader's outline."""
    shown = ", ".join(str(frame + 1) for frame in frames[:5]) + (" …" if len(frames) > 5 else "")
    which = (
        "This image carries"
        if count == 1
        else f"Frame{'' if len(frames) == 1 else 's'} {shown} carr" + ("ies" if len(frames) == 1 else "y")
    )
    return Question(
        f"{which} your outline. Analyse again?",
        "Your outline stays, and the estimate is made anew; or AI's new outline is shown in its place, which can be undone.",
        (("Keep my outline", keep), ("Show AI's outline", show)),
    )


def question_of_many(count: int, go_on: Callable[[], None]) -> Question:
    """Asks before files are analysed that carry a reader's outline."""
    which = "1 image carries your outline and was" if count == 1 else f"{count} images carry your outlines and were"
    return Question(
        f"{which} left out. Analyse {'it' if count == 1 else 'them'} too?",
        "Your outlines stay as they are; each gets an estimate.",
        (("Analyse, keep my outlines", go_on),),
        here=False,
    )

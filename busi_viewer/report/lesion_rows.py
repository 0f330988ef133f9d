"""A lesion's table: the machine's value of each thing beside the reader's, and who said that when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from busi_viewer.core.document import Document
from busi_viewer.core.findings import LesionFindings
from busi_viewer.core.image import ImageRecord, Pixels
from busi_viewer.core.lexicon import FIFTH, Proposal, covered
from busi_viewer.core.measure import Lesion
from busi_viewer.core.reporting import UNKNOWN, Change, Trail
from busi_viewer.core.results import FrameResult
from busi_viewer.report import words
from busi_viewer.report.content import LesionTable, Row
from busi_viewer.report.pairs import Pair

Describe = Callable[[ImageRecord, Pixels, Sequence[Lesion]], tuple[Lesion, ...]]
"""A frame's lesions with the model's descriptor proposals."""


@dataclass(frozen=True)
class Frame:
    """What the rows of a frame's lesions are made of. ``by`` words a change; ``machine`` is the analysis, withheld or not."""

    machine: FrameResult | None
    has_reader: bool
    outlined: Change | None = None
    trail: Trail = UNKNOWN
    when: datetime = field(default_factory=datetime.now)

    def by(self, name: str) -> str:
        """Who changed an entry of the findings last, and when."""
        return words.by(self.trail.said.get(name), self.when)


def propose(
    document: Document, index: int, pairs: Sequence[Pair], describe: Describe | None
) -> tuple[tuple[Proposal, ...], ...]:
    """The model's descriptors for each outline as it stands; none for one that the reader removed.

    None at all on an image that the model found unlike those it knows.
    """
    machine = document.result.frame(index) if document.result else None
    if machine is not None and not machine.quality.in_distribution:
        describe = None
    standing = [pair for pair in pairs if pair.reader is not None or document.reader_mask(index) is None]
    if describe is None or not standing:
        return ((),) * len(pairs)
    record = document.record
    lesions = describe(record, record.frames[index], [pair.shown for pair in standing])
    found = {pair.number: lesion.descriptors for pair, lesion in zip(standing, lesions, strict=True)}
    return tuple(found.get(pair.number, ()) for pair in pairs)


def table(pair: Pair, frame: Frame, proposed: tuple[Proposal, ...], said: LesionFindings | None) -> LesionTable:
    """The rows of one lesion; what neither the machine nor the reader says anything of is left out."""
    rows = [*_outline(pair, frame), *_words({one.name: one for one in proposed}, said, frame)]
    if said is not None and said.assessment is not None:
        rows.append(Row("Assessment", "reader only", said.assessment, True, frame.by(f"lesions.{said.key}.assessment")))
    return LesionTable(pair.number, tuple(rows), words.proposal_basis(proposed) if proposed else "")


def _outline(pair: Pair, frame: Frame) -> list[Row]:
    if pair.ai is not None:
        confidence = pair.ai.mean_probability
        proposed = "proposed" if confidence is None else f"proposed, confidence {confidence:.2f}"
    elif frame.machine is None:
        proposed = "not analysed"
    else:
        proposed = "withheld" if frame.machine.abstained else "not outlined"
    if pair.reader is not None:
        done = words.outline_change(pair.dice, frame.machine is not None)
    else:
        done = "removed" if frame.has_reader else "not yet accepted"
    both = pair.ai is not None and pair.reader is not None
    by = words.by(frame.outlined, frame.when) if frame.has_reader else ""
    rows = [Row("Outline", proposed, done, both and pair.edited, by)]
    for label, measured in _SIZES:
        ai = measured(pair.ai) if pair.ai else words.NO_VALUE
        reader = measured(pair.reader) if pair.reader else words.NO_VALUE
        rows.append(Row(label, ai, reader, both and ai != reader))
    return rows


def _words(proposed: Mapping[str, Proposal], said: LesionFindings | None, frame: Frame) -> list[Row]:
    rows = []
    for descriptor in FIFTH.lesion:
        offered = proposed.get(descriptor.name)
        given = said.said(descriptor.name) if said is not None else ()
        if offered is None and not given:
            continue
        ai = words.proposal(offered) if offered is not None else "no proposal"
        other = offered is not None and not set(given) <= set(covered(offered.name, offered.value))
        by = frame.by(f"lesions.{said.key}.{descriptor.name}") if said is not None and given else ""
        rows.append(Row(descriptor.title, ai, ", ".join(given) or words.NOT_SAID, bool(given) and other, by))
    return rows


_SIZES = (
    ("Size A × B", words.axes),
    ("Depth × width", words.extent),
    ("Area", words.area),
    ("Angle to top", words.angle),
)

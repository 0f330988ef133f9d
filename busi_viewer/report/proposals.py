"""The model's descriptor proposals for the outlines of a frame, as the report words them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from busi_viewer.core.document import Document
from busi_viewer.core.image import ImageRecord, Pixels
from busi_viewer.core.measure import Lesion
from busi_viewer.report import words
from busi_viewer.report.pairs import Pair

Describe = Callable[[ImageRecord, Pixels, Sequence[Lesion]], tuple[Lesion, ...]]
"""A frame's lesions with the model's descriptor proposals."""


@dataclass(frozen=True)
class Proposals:
    """Descriptors that the model proposes for an outline, ``of`` whom; never the reader's findings."""

    of: str
    words: tuple[str, ...]
    basis: str


def propose(
    document: Document, index: int, pairs: Sequence[Pair], describe: Describe | None
) -> tuple[Proposals | None, ...]:
    """The model's descriptors for each outline as it stands; none for one that the reader removed.

    None at all on an image that the model found unlike those it knows.
    """
    machine = document.result.frame(index) if document.result else None
    if machine is not None and not machine.quality.in_distribution:
        describe = None
    standing = [pair for pair in pairs if pair.reader is not None or document.reader_mask(index) is None]
    if describe is None or not standing:
        return (None,) * len(pairs)
    record = document.record
    lesions = describe(record, record.frames[index], [pair.shown for pair in standing])
    found = {pair.number: lesion.descriptors for pair, lesion in zip(standing, lesions, strict=True)}
    whose = {pair.number: "the reader's outline" if pair.reader is not None else "the AI outline" for pair in standing}
    return tuple(
        Proposals(
            whose[pair.number],
            tuple(words.proposal(each) for each in found[pair.number]),
            words.proposal_basis(found[pair.number]),
        )
        if found.get(pair.number)
        else None
        for pair in pairs
    )

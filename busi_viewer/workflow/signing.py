"""What a reader signs: findings, sizes and estimate of an image as they are, as JSON that the store keeps unchanged."""

from __future__ import annotations

from typing import Any

from busi_viewer import __version__
from busi_viewer.core.document import Document
from busi_viewer.core.findings import to_json
from busi_viewer.core.findings_notices import notices
from busi_viewer.workflow.export import number, probabilities

SCHEMA = 1
SIZES = ("long_axis", "short_axis", "ap", "width")


def signed_content(document: Document, signer: str) -> dict[str, Any]:
    """The report of a document for :meth:`~busi_viewer.core.ports.CaseStore.sign`.

    ``signer`` is the reader's name as it is to stand in the report; under whose account it was signed the store notes itself.
    """
    result = document.result
    frames = sorted({*document.edited_frames, *(one.frame for one in document.findings.lesions)})
    return {
        "schema": SCHEMA,
        "signer": signer,
        "software": f"busi_viewer {__version__}",
        "image": {"sha256": document.record.sha256, "frames": len(document.record.frames)},
        "findings": to_json(document.findings),
        "notices": [notice.text for notice in notices(document.findings, result, document.record.facts)],
        "lesions": [_lesions(document, frame) for frame in frames],
        "estimate": _estimate(document),
    }


def _lesions(document: Document, frame: int) -> dict[str, Any]:
    """Sizes of what is outlined on a frame, the largest first, in px and where known in mm."""
    return {
        "frame": frame,
        "proposed_only": document.is_proposal(frame),
        "sizes": [
            {f"{size}_{unit}": number(getattr(lesion, f"{size}_{unit}"), 2) for size in SIZES for unit in ("px", "mm")}
            for lesion in document.lesions(frame)
        ],
    }


def _estimate(document: Document) -> dict[str, Any] | None:
    result = document.result
    if result is None:
        return None
    model = result.model
    return {
        "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
        "operating_point": {"value": model.point, "own": model.operating_point, "basis": model.chosen_basis},
        "frames": [
            {
                "frame": frame.index,
                "abstained": frame.abstained,
                "probabilities": probabilities(frame.probabilities)
                if frame.classified and not frame.abstained
                else None,
                "above_operating_point": bool(frame.above_operating_point)
                if frame.classified and not frame.abstained
                else None,
            }
            for frame in result.frames
        ],
    }

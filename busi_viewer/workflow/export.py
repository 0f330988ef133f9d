"""Results as files: JSON schema 1, PNGs and the summary table, each written whole or not at all.

Lengths in pixels or millimetres, x right and y down, pixel centres; unknown is ``null``.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.errors import OutputError
from busi_viewer.core.files import open_regular
from busi_viewer.core.image import ImageRecord, Mask
from busi_viewer.core.lexicon import ORIENTATION, VALUES
from busi_viewer.core.measure import Lesion
from busi_viewer.core.results import CLASSES, FrameResult, ModelInfo

SCHEMA = 1
TIMINGS = ("decode", "preprocess", "forward", "postprocess", "heatmap", "total")
SUMMARY_COLUMNS = (
    "input",
    "frame",
    "prediction",
    "p_normal",
    "p_benign",
    "p_malignant",
    "abstained",
    "n_lesions",
    "long_axis_mm",
    "long_axis_px",
    "warnings",
)
TAKEN = "Choose another folder with -o, or give --overwrite to replace it."
_FREE = "Choose another folder with -o or make room."


class Staging:
    """Outputs of one input, gathered in a hidden folder beside their place and moved there together.

    ``with Staging(out, base) as stage``: write to ``stage.path(".mask.png")`` and end with ``stage.publish()``; left in
    any other way, nothing remains. ``out / base`` plus a suffix is a file's final place; the ``.json`` is moved last,
    so that where it exists all else does. Raises OutputError.
    """

    def __init__(self, out: Path, base: str, *, overwrite: bool) -> None:
        self._out = out
        self._base = base
        self._overwrite = overwrite
        self._folder = out
        self._suffixes: list[str] = []

    def __enter__(self) -> Staging:
        try:
            self._folder = Path(tempfile.mkdtemp(prefix=".busi-viewer-", dir=self._out))
        except OSError as error:
            raise not_written(self._out, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def path(self, suffix: str) -> Path:
        """Where to write the output with this suffix. Raises OutputError if a file is in its final place already."""
        final = self.final(suffix)
        try:
            if final.exists() and not self._overwrite:
                raise OutputError("a file of this name exists already", path=final, remedy=TAKEN)
        except OSError as error:
            raise not_written(final, error) from error
        self._suffixes.append(suffix)
        return self._staged(len(self._suffixes))

    def publish(self) -> None:
        """Move everything to its place, JSON last. An older JSON goes first: it would describe other files."""
        moved: list[Path] = []
        numbers = range(1, len(self._suffixes) + 1)
        try:
            self.final("").parent.mkdir(parents=True, exist_ok=True)
            self.final(".json").unlink(missing_ok=True)
            for n in sorted(numbers, key=lambda n: self._suffixes[n - 1] == ".json"):
                os.replace(self._staged(n), self.final(self._suffixes[n - 1]))
                moved.append(self.final(self._suffixes[n - 1]))
        except BaseException as error:
            for path in moved:
                path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise not_written(self.final(".json"), error) from error
            raise

    def final(self, suffix: str) -> Path:
        """The place of an output after :meth:`publish`."""
        return self._out / (self._base + suffix)

    def _staged(self, n: int) -> Path:
        return self._folder / f"{n}{Path(self._suffixes[n - 1]).suffix or self._suffixes[n - 1]}"


def not_written(path: Path, error: OSError) -> OutputError:
    """The error for a result that the system refused to store."""
    if error.errno == errno.ENAMETOOLONG:
        return OutputError("its name would be too long", path=path, remedy="Give the image a shorter name.")
    return OutputError(f"could not be written ({error.strerror or error})", path=path, remedy=_FREE)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file under a temporary name beside it, then rename. Raises OutputError."""
    temporary = path.with_name(f".{os.getpid()}-{len(data)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        raise not_written(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Mapping[str, Any], *, indent: int | None = None) -> None:
    """Write strict JSON (no NaN), atomically. Raises OutputError."""
    write_bytes(path, (json.dumps(value, allow_nan=False, indent=indent) + "\n").encode("ascii"))


def write_png(path: Path, image: NDArray[np.uint8]) -> None:
    """Write an 8-bit grey (H, W) or RGB (H, W, 3) image, atomically. Raises OutputError."""
    pixels = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    good, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 4])
    if not good:
        raise OutputError("could not be encoded as PNG", path=path)
    write_bytes(path, data.tobytes())


def write_mask_png(path: Path, mask: Mask) -> None:
    """Write a mask as 8-bit 0/255 at its own size."""
    write_png(path, mask.astype(np.uint8) * np.uint8(255))


def number(value: float | None, digits: int) -> float | None:
    """A JSON number: rounded; None for unknown and for what JSON cannot say (NaN, infinity)."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def probabilities(values: Sequence[float]) -> dict[str, float]:
    """Class probabilities with 6 decimals that still sum to 1: the largest takes up the rounding."""
    rounded = [round(float(v), 6) for v in values]
    largest = max(range(len(rounded)), key=lambda i: values[i])
    rounded[largest] = round(1.0 - sum(v for i, v in enumerate(rounded) if i != largest), 6)
    return dict(zip(CLASSES, rounded, strict=True))


def lesion_json(lesion: Lesion) -> dict[str, Any]:
    """One lesion as in schema 1."""
    return {
        "area_px": int(lesion.area_px),
        "area_mm2": number(lesion.area_mm2, 3),
        "long_axis_px": number(lesion.long_axis_px, 3),
        "short_axis_px": number(lesion.short_axis_px, 3),
        "ap_px": number(lesion.ap_px, 3),
        "width_px": number(lesion.width_px, 3),
        "long_axis_mm": number(lesion.long_axis_mm, 3),
        "short_axis_mm": number(lesion.short_axis_mm, 3),
        "ap_mm": number(lesion.ap_mm, 3),
        "width_mm": number(lesion.width_mm, 3),
        "angle_deg": number(lesion.angle_deg, 2),
        "bbox": [int(v) for v in lesion.bbox],
        "contour": lesion.contour.astype(int).tolist(),
        "mean_probability": number(lesion.mean_probability, 4),
        "region": lesion.region,
        "descriptors": descriptors_json(lesion),
    }


def descriptors_json(lesion: Lesion) -> dict[str, Any]:
    """A proposed word for each descriptor, null where none is proposed, and under ``details`` how far each holds."""
    found = {proposal.name: proposal for proposal in lesion.descriptors}
    words: dict[str, Any] = {name: found[name].value if name in found else None for name in VALUES}
    details = {}
    for name, proposal in found.items():
        basis = proposal.basis
        details[name] = {
            "probability": number(proposal.probability, 4),
            "balanced_accuracy": {"value": basis.balanced_accuracy, "ci95": list(basis.ci95)} if basis else None,
            "n": basis.n if basis else None,
            "data": basis.data if basis else None,
            "evidence": list(proposal.evidence),
            "box": list(proposal.box) if proposal.box else None,
            "rim_px": number(proposal.rim_px, 1),
        }
    return {**words, ORIENTATION: lesion.orientation, "details": details}


def frame_json(frame: FrameResult) -> dict[str, Any]:
    """One analysed frame as in schema 1."""
    heat, band = frame.heatmap, frame.band
    return {
        "index": frame.index,
        "prediction": frame.prediction if frame.classified else None,
        "above_operating_point": bool(frame.above_operating_point),
        "probabilities": probabilities(frame.probabilities) if frame.classified else None,
        "calibrated": bool(frame.calibrated),
        "abstained": bool(frame.abstained),
        "quality": {
            "in_distribution": bool(frame.quality.in_distribution),
            "score": number(frame.quality.score, 4),
            "reasons": list(dict.fromkeys((*frame.quality.reasons, *frame.abstain_reasons))),
        },
        "lesions": [lesion_json(lesion) for lesion in frame.lesions],
        "band": {name: getattr(band, name) for name in ("low", "high", "margin", "coverage")} if band else None,
        "heatmap": {"class": heat.target, "inside_mask_share": number(heat.inside_mask_share, 4)} if heat else None,
        "timing_ms": {name: number(frame.timing_ms.get(name), 3) for name in TIMINGS},
    }


def result_json(
    record: ImageRecord,
    shown_path: str,
    model: ModelInfo,
    device: str,
    frames: Sequence[Mapping[str, Any]],
    warnings: Sequence[str],
) -> dict[str, Any]:
    """A file's result as in schema 1; ``frames`` come from :func:`frame_json`."""
    return {
        "schema": SCHEMA,
        "input": {
            "path": shown_path,
            "sha256": record.sha256,
            "kind": record.kind,
            "frames": len(record.frames),
            "spacing_mm": [float(v) for v in record.spacing_mm] if record.spacing_mm else None,
        },
        "model": {"name": model.name, "version": model.version, "sha256": model.sha256},
        "device": device,
        "frames": list(frames),
        "warnings": list(warnings),
    }


def read_result(path: Path, source: Path) -> dict[str, Any]:
    """An existing result of the image ``source``. Raises OutputError if it is not one, or is another image's.

    The content decides: another folder's image of the same name is another image, as is one that has changed.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        rows = summary_rows(result, "")
        name, digest = Path(result["input"]["path"]).name, result["input"]["sha256"]
    except OSError as error:
        raise OutputError(f"the existing result cannot be read ({error.strerror})", path=path, remedy=TAKEN) from error
    except (ValueError, TypeError, KeyError, AttributeError):
        result, rows, name, digest = {}, [], "", ""
    if not rows or result.get("schema") != SCHEMA:
        raise OutputError("a file of this name exists that is not a result", path=path, remedy=TAKEN)
    if name != source.name:
        raise OutputError(f"the existing result is that of {name}", path=path, remedy=TAKEN)
    with open_regular(source) as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != digest:
            raise OutputError(
                "the existing result is that of another image of this name, or of this one before it changed",
                path=path,
                remedy=TAKEN,
            )
    return dict(result)


def summary_rows(result: Mapping[str, Any], shown_path: str) -> list[dict[str, str]]:
    """The summary's rows of a result as in :func:`result_json`: one for each frame; sizes are the largest lesion's."""
    rows = []
    for frame in result["frames"]:
        lesions, shares = frame["lesions"], frame["probabilities"]
        largest = lesions[0] if lesions else {"long_axis_mm": None, "long_axis_px": None}
        values = {
            "input": shown_path,
            "frame": frame["index"],
            "prediction": frame["prediction"],
            **{f"p_{name}": f"{shares[name]:.6f}" if shares else None for name in CLASSES},
            "abstained": "true" if frame["abstained"] else "false",
            "n_lesions": len(lesions),
            "long_axis_mm": largest["long_axis_mm"],
            "long_axis_px": largest["long_axis_px"],
            "warnings": "; ".join(dict.fromkeys((*result["warnings"], *frame["quality"]["reasons"]))),
        }
        rows.append({name: "" if value is None else str(value) for name, value in values.items()})
    return rows


def write_summary(path: Path, rows: Sequence[Mapping[str, str]], inputs: Iterable[str]) -> None:
    """Write ``summary.csv`` (UTF-8, :data:`SUMMARY_COLUMNS`), atomically.

    Rows of an earlier summary stay unless they belong to one of ``inputs``, the files of this run.
    """
    now = {os.path.abspath(name) for name in inputs}
    kept = [row for row in _read_summary(path) if os.path.abspath(row["input"]) not in now]
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, SUMMARY_COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows([*kept, *rows])
    write_bytes(path, text.getvalue().encode("utf-8", errors="backslashreplace"))


def _read_summary(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            table = csv.DictReader(stream, strict=True)
            rows = list(table) if tuple(table.fieldnames or ()) == SUMMARY_COLUMNS else []
    except (OSError, ValueError, csv.Error):
        return []
    return [row for row in rows if None not in row and None not in row.values()]

"""What the models said: every analysis is kept with the model's SHA-256, its result as JSON and its masks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from busi_viewer.core.errors import StoreError
from busi_viewer.core.image import Mask
from busi_viewer.core.results import CLASSES, AnalysisResult, FrameResult, Heatmap, ModelInfo, merged
from busi_viewer.store.audit import Audit, clean
from busi_viewer.store.database import Database, now
from busi_viewer.store.images import Images
from busi_viewer.store.packing import pack_heat, pack_mask, unpack_heat, unpack_mask
from busi_viewer.store.plain import from_plain, to_plain

_ARRAYS = ("mask", "heatmap", "probability")
"""Of a frame, what is kept beside the JSON (or, the lesion probability of each pixel, not at all)."""


class Analyses:
    """The tables ``analyses`` and ``ai_masks`` of one store."""

    def __init__(self, database: Database, audit: Audit, images: Images) -> None:
        self._db = database
        self._audit = audit
        self._images = images

    def save(self, image: int, result: AnalysisResult) -> None:
        """Keep an analysis of all frames or some; earlier ones stay. Raises ValueError for another image's, StoreError."""
        with self._db.transaction():
            here = self._images.get(image)
            if result.sha256 != here.sha256:
                raise ValueError("the analysis is of another image")
            text = result_text(result)
            model = result.model
            number = self._db.insert(
                "INSERT INTO analyses(image_id, at, user_id, model_name, model_version, model_sha256, result)"
                " VALUES(?, ?, ?, ?, ?, ?, ?)",
                (image, now(), self._db.user_id, clean(model.name), clean(model.version), model.sha256, text),
            )
            for frame in result.frames:
                heat = pack_heat(frame.heatmap.values) if frame.heatmap is not None else None
                self._db.execute(
                    "INSERT INTO ai_masks(analysis_id, frame, mask, heat) VALUES(?, ?, ?, ?)",
                    (number, frame.index, pack_mask(frame.mask), heat),
                )
            before = self._db.one("SELECT prediction FROM images WHERE id = ?", (image,))[0]
            gravest = self._gravest(image)
            self._db.execute("UPDATE images SET prediction = ? WHERE id = ?", (gravest, image))
            self._images.touch(image)
            self._audit.append(
                "analysis",
                case=here.case,
                image=here.sha256,
                field="AI estimate",
                old="" if before is None else CLASSES[before],
                new="" if gravest is None else _figures(result),
                model=model.sha256,
            )

    def latest(self, image: int) -> AnalysisResult | None:
        """The analysis made last, with the frames that only earlier ones by the same model have.

        As they were given, but for the pixels' lesion probability; heatmaps are approximate.
        """
        result = None
        for number in self._in_force(image):
            result = merged(result, self._load(image, number))
        return result

    def _in_force(self, image: int) -> list[int]:
        """The analyses by the model asked last that hold a frame's latest result, oldest first."""
        rows = self._db.rows(
            "SELECT max(a.id) FROM analyses a LEFT JOIN ai_masks m ON m.analysis_id = a.id WHERE a.image_id = ?1 AND"
            " a.model_sha256 = (SELECT model_sha256 FROM analyses WHERE image_id = ?1 ORDER BY id DESC LIMIT 1)"
            " GROUP BY m.frame",
            (image,),
        )
        return sorted({row[0] for row in rows})

    def _load(self, image: int, number: int) -> AnalysisResult:
        here = self._images.get(image)
        text = self._db.one("SELECT result FROM analyses WHERE id = ?", (number,))[0]
        arrays = {
            frame: (mask, heat)
            for frame, mask, heat in self._db.rows(
                "SELECT frame, mask, heat FROM ai_masks WHERE analysis_id = ?", (number,)
            )
        }
        try:
            return result_from(json.loads(text), arrays, here.path, here.sha256)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoreError(f"analysis {number} in the case store cannot be read", path=self._db.path) from error

    def _gravest(self, image: int) -> int | None:
        """The gravest class any frame is predicted to show now, as an index into CLASSES; None without frames."""
        latest: dict[int, list[float]] = {}
        for number in self._in_force(image):
            text = self._db.one("SELECT result FROM analyses WHERE id = ?", (number,))[0]
            frames = [frame for frame in json.loads(text)["frames"] if frame.get("classified", True)]
            latest.update({frame["index"]: frame["probabilities"] for frame in frames})
        return max((shares.index(max(shares)) for shares in latest.values()), default=None)


def _figures(result: AnalysisResult) -> str:
    gravest = max(result.frames, key=lambda frame: frame.probabilities[2])
    figures = ", ".join(f"{name} {p:.3f}" for name, p in zip(CLASSES, gravest.probabilities, strict=True))
    return f"{figures} ({result.model.name} {result.model.version})"


def result_text(result: AnalysisResult) -> str:
    """A result without its arrays as JSON."""
    frames = []
    for frame in result.frames:
        values = {name: to_plain(value) for name, value in vars(frame).items() if name not in _ARRAYS}
        heat = frame.heatmap
        values["heat"] = {"target": heat.target, "inside_mask_share": heat.inside_mask_share} if heat else None
        frames.append(values)
    content = {
        "model": to_plain(result.model),
        "device": result.device,
        "warnings": list(result.warnings),
        "frames": frames,
    }
    return clean(json.dumps(content))


def result_from(
    content: dict[str, Any], arrays: dict[int, tuple[bytes, bytes | None]], path: Path, sha256: str
) -> AnalysisResult:
    """The result that :func:`result_text` described, with packed masks and heatmaps by frame.

    Raises ValueError, TypeError or KeyError for anything else.
    """
    frames = []
    for values in content["frames"]:
        mask_bytes, heat_bytes = arrays[values["index"]]
        mask = unpack_mask(mask_bytes)
        heat = values["heat"]
        heatmap = None
        if heat is not None and heat_bytes is not None:
            heatmap = Heatmap(heat["target"], unpack_heat(heat_bytes, mask.shape), heat["inside_mask_share"])
        frames.append(_frame(values, mask, heatmap))
    return AnalysisResult(
        path=path,
        sha256=sha256,
        model=from_plain(ModelInfo, content["model"]),
        device=str(content["device"]),
        frames=tuple(frames),
        warnings=tuple(content["warnings"]),
    )


def _frame(values: dict[str, Any], mask: Mask, heatmap: Heatmap | None) -> FrameResult:
    """A frame from its JSON; the arrays are put in place of stand-ins, as JSON does not hold them."""
    given = {**values, "mask": np.zeros(0, bool), "heatmap": None, "probability": None}
    frame: FrameResult = from_plain(FrameResult, given)
    return FrameResult(**{**vars(frame), "mask": mask, "heatmap": heatmap})

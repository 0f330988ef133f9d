"""The engine: one model on one device, from an ImageRecord to an AnalysisResult."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.band import Band, on_image
from busi_viewer.core.errors import Cancelled
from busi_viewer.core.image import ImageRecord, Mask, to_grey
from busi_viewer.core.measure import measure_all
from busi_viewer.core.ports import CancelToken, Progress
from busi_viewer.core.results import TASKS, AnalysisResult, FrameResult, Heatmap, ModelInfo, Quality
from busi_viewer.inference.device import choose
from busi_viewer.inference.guard import judge, refuse_foreign
from busi_viewer.inference.heatmaps import grad_cam, grad_cam_through, native_heatmap
from busi_viewer.nets.accelerated import compiled
from busi_viewer.nets.calibration import probabilities
from busi_viewer.nets.card import Card
from busi_viewer.nets.ensemble import Headed
from busi_viewer.nets.postprocess import outline
from busi_viewer.nets.predictor import Prediction, Predictor
from busi_viewer.nets.registry import load_model, tasks_of

Floats = NDArray[np.float64]
_MISSING = ("outline", "class")


class TorchEngine:
    """Implements :class:`busi_viewer.core.ports.Engine`. Use it from one thread at a time."""

    def __init__(self, folder: Path, device: str = "auto") -> None:
        network, self.card = load_model(folder)
        self._device = choose(device)
        forward = compiled(network, self.card) if self._device.type == "cpu" else None
        self._predictor = Predictor(network, self.card.input, self._device, forward)
        self._tasks = tasks_of(network)
        self._model = model_info(self.card, self._tasks)

    @property
    def model(self) -> ModelInfo:
        """Which model this is."""
        return self._model

    @property
    def device(self) -> str:
        """The device's name: cpu, mps or cuda:N."""
        return str(self._device)

    def analyse(
        self,
        record: ImageRecord,
        frames: Sequence[int] | None = None,
        *,
        heatmap: bool = True,
        revision: int = 0,
        progress: Progress | None = None,
        cancel: CancelToken | None = None,
    ) -> AnalysisResult:
        """Analyse ``frames`` (default: all) one after the other. Raises Cancelled between stages when asked to stop.

        Raises NotUltrasound for a file of another modality.
        """
        refuse_foreign(record)
        indices = range(len(record.frames)) if frames is None else frames
        results = []
        for position, index in enumerate(indices):

            def tell(stage: str, share: float, position: int = position) -> None:
                if cancel is not None and cancel.is_set():
                    raise Cancelled
                if progress is not None:
                    progress(stage, (position + share) / len(indices))

            results.append(self._frame(record, index, heatmap, tell))
        return AnalysisResult(
            record.path, record.sha256, self._model, self.device, tuple(results), revision, tuple(record.warnings)
        )

    def _frame(self, record: ImageRecord, index: int, heatmap: bool, tell: Progress) -> FrameResult:
        started = time.perf_counter()
        tell("Reading", 0.0)
        frame = record.frames[index]
        grey = to_grey(frame, record.window)
        decoded = time.perf_counter()
        tell("Outlining and classifying", 0.1)
        prediction = self._predictor.predict([grey])[0]
        shaped = time.perf_counter()
        p = probabilities(prediction.class_logits.astype(np.float64), self.card.calibration)
        mask = self._mask(prediction, float(p[0]))
        lesions = measure_all(mask, record, prediction.probability)
        quality = judge(frame, record.window, prediction.box.forward(grey), prediction.embedding, self.card.guard)
        measured = time.perf_counter()
        heat = None
        if heatmap:
            tell("Heatmap", 0.7)
            heat = self._heatmap(prediction, grey, mask, int(p.argmax()))
        done = time.perf_counter()
        timing = {
            "decode": decoded - started,
            "preprocess": prediction.seconds["preprocess"],
            "forward": prediction.seconds["forward"],
            "postprocess": prediction.seconds["postprocess"] + measured - shaped,
            "heatmap": done - measured,
            "total": done - started,
        }
        reasons = self._withheld(p, quality)
        limit = self.card.operating_point
        return FrameResult(
            index=index,
            probabilities=(float(p[0]), float(p[1]), float(p[2])),
            calibrated=self.card.calibration is not None,
            above_operating_point=limit is not None and bool(p[2] >= limit),
            abstained=bool(reasons),
            abstain_reasons=reasons,
            quality=quality,
            mask=mask,
            lesions=lesions,
            heatmap=heat,
            timing_ms={name: round(1000 * seconds, 3) for name, seconds in timing.items()},
            probability=prediction.probability.astype(np.float16) if TASKS[0] in self._tasks else None,
            band=self._band(prediction, mask),
            classified=TASKS[1] in self._tasks,
        )

    def _mask(self, prediction: Prediction, p_normal: float) -> Mask:
        card = self.card
        return outline(
            prediction.probability,
            p_normal,
            card.mask_threshold,
            card.min_lesion_share,
            card.min_relative_probability,
            card.no_outline_above,
        )

    def _band(self, prediction: Prediction, mask: Mask) -> Band | None:
        band = self.card.band
        if band is None or not mask.any():
            return None
        return on_image(prediction.probability, mask, Band(band.low, band.high, band.margin, band.coverage))

    def _withheld(self, p: Floats, quality: Quality) -> tuple[str, ...]:
        """Why no estimate is given; empty if one is."""
        if not quality.in_distribution:
            return quality.reasons
        if TASKS[1] not in self._tasks:
            return ()
        if self.card.abstain_below is not None and p.max() < self.card.abstain_below:
            return (f"Too close to call: no class reaches {100 * self.card.abstain_below:.0f} %",)
        return ()

    def _heatmap(self, prediction: Prediction, grey: NDArray[np.uint8], mask: Mask, class_index: int) -> Heatmap:
        network = self._predictor.network
        if isinstance(network, Headed):
            heat = grad_cam(network, prediction.bottleneck, prediction.attended, prediction.focus, class_index)
            return native_heatmap(heat, prediction.box, mask, class_index)
        target = class_index if TASKS[1] in self._tasks else None
        heat = grad_cam_through(network, self._predictor.input_of([grey])[0], target)
        return native_heatmap(heat, prediction.box, mask, target)


def model_info(card: Card, tasks: tuple[str, ...] = TASKS) -> ModelInfo:
    """The card in the words of core, with the notes that every estimate must carry."""
    notes = [f"This model gives no {what}." for task, what in zip(TASKS, _MISSING, strict=True) if task not in tasks]
    if card.leaky:
        notes.append("Trained by a protocol that leaks, to reproduce a paper: its own figures do not count.")
    calibration = card.calibration
    if calibration is not None:
        share = calibration.prevalence.get("malignant", 0.0)
        notes.append(
            f"Calibrated on {calibration.data}, n = {calibration.n}, {100 * share:.0f} % malignant: more than in a clinic."
        )
    chosen = ""
    if card.operating_point is not None:
        chosen = f"Operating point {100 * card.operating_point:.0f} %, chosen for 95 % sensitivity on that set."
    return ModelInfo(
        card.name,
        card.version,
        card.sha256,
        card.operating_point,
        tuple(notes),
        point_note=chosen,
        tasks=tasks,
        leaky=card.leaky,
    )

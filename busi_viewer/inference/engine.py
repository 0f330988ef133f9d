"""The engine: one model on one device, from an ImageRecord to an AnalysisResult."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.band import Band, on_image
from busi_viewer.core.errors import Cancelled
from busi_viewer.core.image import ImageRecord, Mask, Pixels, to_grey
from busi_viewer.core.measure import measure_all
from busi_viewer.core.ports import CancelToken, Progress
from busi_viewer.core.results import (
    CLASSES,
    GRAD_CAM,
    LESION,
    TASKS,
    AnalysisResult,
    FrameResult,
    Heatmap,
    ModelInfo,
    Quality,
)
from busi_viewer.inference.device import choose
from busi_viewer.inference.guard import judge, refuse_foreign
from busi_viewer.inference.heatmaps import native_heatmap, through_network
from busi_viewer.nets.accelerated import HEADED, CompiledForward, compiled, processors
from busi_viewer.nets.calibration import probabilities
from busi_viewer.nets.card import Card, read_card
from busi_viewer.nets.postprocess import outline
from busi_viewer.nets.predictor import Forward, Prediction, Predictor, as_input

if TYPE_CHECKING:
    from busi_viewer.nets.ensemble import Network

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
_MISSING = ("outline", "class")
MANY = 3
"""From how many frames on they are analysed side by side."""


class ModelEngine:
    """Implements :class:`busi_viewer.core.ports.Engine`."""

    def __init__(self, folder: Path, device: str = "auto", threads: int | None = None) -> None:
        self.card = read_card(folder)
        self._folder, self._threads = folder, threads or processors()
        self._device = choose(device)
        self._workers = 1
        self._troubles: list[str] = []
        self._predictor = self._begun()
        self._tasks = TASKS if self.card.architecture.name in HEADED else self._tasks_of_network()
        self._model = model_info(self.card, self._tasks)
        self._last: tuple[tuple[str, Path, int], Prediction] | None = None

    def _begun(self) -> Predictor:
        """A predictor on the device, or, where that fails, on the CPU."""
        try:
            return Predictor(self._forward(), self.card.input)
        except Exception as error:  # noqa: BLE001 - the device's boundary: each driver fails in its own way
            self._leave_device(error)
            return Predictor(self._forward(), self.card.input)

    def _leave_device(self, error: Exception) -> None:
        """Go over to the CPU for good, and say so with the next result; what the CPU itself raises is raised."""
        if self._device == "cpu":
            raise error
        log.warning("%s failed: %s", self._device, type(error).__name__)
        self._troubles.append(f"The device {self._device} failed; the CPU computes from now on.")
        self._device = "cpu"
        self.__dict__.pop("_network", None)  # its weights are on the lost device

    def _forward(self, *, together: bool = False) -> Forward:
        if self._device == "cpu":
            found = compiled(self._folder, self.card, threads=self._threads, together=together)
            if found is not None:
                return found
        from busi_viewer.nets.explained import TorchForward

        return TorchForward(self._network, self.card.input.preprocess, self._device)

    @cached_property
    def _network(self) -> Network:
        """The network in torch: only loaded where the compiled graph does not do."""
        from busi_viewer.nets.registry import load_model

        return load_model(self._folder)[0]

    def _tasks_of_network(self) -> tuple[str, ...]:
        from busi_viewer.nets.registry import tasks_of

        return tasks_of(self._network)

    def _on_cpu(self) -> Network:
        """The network for the heatmaps that need it whole; another device keeps its own copy."""
        if self._device == "cpu":
            return self._network
        from busi_viewer.nets.registry import load_model

        return load_model(self._folder)[0]

    @property
    def model(self) -> ModelInfo:
        """Which model this is."""
        return self._model

    @property
    def device(self) -> str:
        """The device's name: cpu, mps or cuda:N."""
        return self._device

    def prepare_many(self) -> int:
        """Get ready for many images; the number of threads that may call ``analyse`` together from now on."""
        if self._workers == 1 and self._device == "cpu" and self._threads > 1:
            forward = self._forward(together=True)
            if isinstance(forward, CompiledForward):
                self._predictor, self._workers = Predictor(forward, self.card.input), self._threads
                cv2.setNumThreads(1)  # calls that divide themselves would wait for the other images' threads
        return self._workers

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
        """Analyse ``frames`` (default: all). Raises Cancelled between stages when asked to stop.

        Of several frames the next is decoded while others are worked on. Raises NotUltrasound for a file of another modality.
        """
        refuse_foreign(record)
        indices = range(len(record.frames)) if frames is None else frames

        def tell(stage: str, share: float) -> None:
            if cancel is not None and cancel.is_set():
                raise Cancelled
            if progress is not None:
                progress(stage, share)

        if len(indices) < MANY:
            results = [self._frame(record, index, heatmap, tell, i, len(indices)) for i, index in enumerate(indices)]
        else:
            results = self._together(record, indices, heatmap, tell)
        troubles, self._troubles = self._troubles, []
        return AnalysisResult(
            *(record.path, record.sha256, self._model, self.device, tuple(results), revision),
            (*record.warnings, *troubles),
        )

    def heatmap(
        self, record: ImageRecord, frame: int, target: str, method: str = GRAD_CAM, mask: Mask | None = None
    ) -> Heatmap:
        """The heat of one of CLASSES, or of the outline (LESION), on one frame, by one of METHODS.

        Its share is taken of ``mask`` (H, W). Grad-CAM comes with the analysis of the same frame, so that another class costs
        nothing after it; the other methods load torch. Raises NotUltrasound, and UserError for what the model does not do.
        """
        refuse_foreign(record)
        key = (record.sha256, record.path, frame)
        last = self._last
        if last is not None and last[0] == key:
            prediction = last[1]
        else:
            prediction = self._predict(to_grey(record.frames[frame], record.window))
            self._last = (key, prediction)
        return self._heat(prediction, record, target, method, mask)

    def _heat(
        self, prediction: Prediction, record: ImageRecord, target: str, method: str, mask: Mask | None
    ) -> Heatmap:
        """As :meth:`heatmap`, of a prediction at hand."""
        if method == GRAD_CAM and target != LESION and len(prediction.cams):
            heat = prediction.cams[CLASSES.index(target)]
        else:
            x, steps = as_input(prediction.square[None]), self.card.input.preprocess
            heat = through_network(self._on_cpu(), x, target, method, steps)
        where = np.zeros(record.shape, dtype=bool) if mask is None else mask
        return native_heatmap(heat, prediction.box, where, target, method)

    def _together(
        self, record: ImageRecord, indices: Sequence[int], heatmap: bool, tell: Progress
    ) -> list[FrameResult]:
        """Frames side by side on the threads there are, decoded in order by the caller's."""
        workers = self.prepare_many()
        results: list[FrameResult] = []
        waiting: deque[Future[FrameResult]] = deque()
        with ThreadPoolExecutor(workers, thread_name_prefix="frames") as pool:
            try:
                for index in indices:
                    tell("Outlining and classifying", len(results) / len(indices))
                    started = time.perf_counter()
                    pixels = record.frames[index]
                    spent = time.perf_counter() - started
                    waiting.append(pool.submit(self._look, record, index, pixels, heatmap, spent))
                    if len(waiting) > 2 * workers:
                        results.append(waiting.popleft().result())
                while waiting:
                    tell("Outlining and classifying", len(results) / len(indices))
                    results.append(waiting.popleft().result())
            finally:
                for future in waiting:
                    future.cancel()
        return results

    def _frame(
        self, record: ImageRecord, index: int, heatmap: bool, tell: Progress, position: int, count: int
    ) -> FrameResult:
        tell("Reading", position / count)
        started = time.perf_counter()
        pixels = record.frames[index]
        spent = time.perf_counter() - started
        tell("Outlining and classifying", (position + 0.1) / count)
        return self._look(record, index, pixels, heatmap, spent)

    def _predict(self, grey: NDArray[np.uint8]) -> Prediction:
        """The prediction; where a device other than the CPU fails, the CPU's, which then stays."""
        try:
            prediction = self._predictor.predict([grey])[0]
            if self._device != "cpu" and not (
                np.isfinite(prediction.class_logits).all() and np.isfinite(prediction.probability).all()
            ):
                raise FloatingPointError("the device gave no numbers")
        except Exception as error:  # noqa: BLE001 - the device's boundary: lost, full, or an error of its driver
            self._leave_device(error)
            self._predictor = self._begun()
            prediction = self._predictor.predict([grey])[0]
        return prediction

    def _look(self, record: ImageRecord, index: int, frame: Pixels, heatmap: bool, decoding: float) -> FrameResult:
        """Everything about one decoded frame."""
        started = time.perf_counter()
        grey = to_grey(frame, record.window)
        prediction = self._predict(grey)
        self._last = ((record.sha256, record.path, index), prediction)
        shaped = time.perf_counter()
        p = probabilities(prediction.class_logits.astype(np.float64), self.card.calibration)
        mask = self._mask(prediction, float(p[0]))
        lesions = measure_all(mask, record, prediction.probability)
        quality = judge(frame, record.window, prediction.square, prediction.embedding, self.card.guard)
        band = self._band(prediction, mask)
        measured = time.perf_counter()
        target = CLASSES[int(p.argmax())] if TASKS[1] in self._tasks else LESION
        heat = self._heat(prediction, record, target, GRAD_CAM, mask) if heatmap else None
        done = time.perf_counter()
        timing = {
            "decode": decoding,
            "preprocess": prediction.seconds["preprocess"],
            "forward": prediction.seconds["forward"],
            "postprocess": prediction.seconds["postprocess"] + measured - shaped,
            "heatmap": done - measured,
            "total": decoding + done - started,
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
            probability=halved(prediction.probability) if TASKS[0] in self._tasks else None,
            band=band,
            classified=TASKS[1] in self._tasks,
        )

    def _mask(self, prediction: Prediction, p_normal: float) -> Mask:
        card = self.card
        return outline(prediction.probability, p_normal, card.mask_rule)

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


def halved(probability: NDArray[np.float32]) -> NDArray[np.float16]:
    """A map in [0, 1] as float16: scaled by its maximum over its maximum, as numpy takes 11 ms where many values are near 0."""
    most = float(probability.max())
    half = cv2.normalize(probability, np.empty(0), most, norm_type=cv2.NORM_INF, dtype=cv2.CV_16F)
    return np.asarray(half, dtype=np.float16)


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

"""The one way from grey frames to predictions at native size; training validates with it, inference ships it. Free of torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from busi_viewer.nets.card import InputSpec
from busi_viewer.nets.transform import Letterbox

Floats = NDArray[np.float32]


class Output(NamedTuple):
    """What a forward pass gives, float32: ``mask_logits`` (N, 1, S, S), ``class_logits`` (N, 3), ``embedding`` (N, E).

    ``cams`` (N, 3, h, w) is Grad-CAM of each class; (N, 0, 1, 1) for networks that cannot give it without a second pass.
    """

    mask_logits: Floats
    class_logits: Floats
    embedding: Floats
    cams: Floats


Forward = Callable[[Floats], Output]
"""Inputs (N, 1, S, S) float32 in [0, 1] → their outcome. Safe to call from several threads at once only where it says so."""


@dataclass(frozen=True)
class Prediction:
    """One frame's outcome: ``probability`` (H, W) float32 of lesion at native size, ``class_logits`` (3,), ``embedding`` (E,).

    ``cams`` (3, h, w) or (0, 1, 1) is as in :class:`Output`, of the frame as it is, not mirrored; ``square`` (S, S) uint8 the
    frame as the network saw it, ``box`` maps back to native pixels. ``seconds`` holds the time of the stages preprocess,
    forward and postprocess.
    """

    probability: Floats
    class_logits: Floats
    embedding: Floats
    cams: Floats
    square: NDArray[np.uint8]
    box: Letterbox
    seconds: dict[str, float]


class Predictor:
    """Runs a forward pass on frames of any size; as safe for threads as that pass."""

    def __init__(self, forward: Forward, spec: InputSpec) -> None:
        self._forward = forward
        self.spec = spec

    def predict(self, greys: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        """Predict (H, W) uint8 frames in one batch. With ``spec.flip`` the mirrored input's outcome is averaged in."""
        t0 = time.perf_counter()
        boxes = [Letterbox.fit((g.shape[0], g.shape[1]), self.spec.size) for g in greys]
        squares = np.stack([box.forward(grey) for box, grey in zip(boxes, greys, strict=True)])
        x = as_input(squares)
        t1 = time.perf_counter()
        count = len(greys)
        out = self._forward(np.concatenate([x, x[..., ::-1]]) if self.spec.flip else x)
        t2 = time.perf_counter()
        maps, logits, embedding = _sigmoid(out.mask_logits[:, 0]), out.class_logits, out.embedding
        if self.spec.flip:
            maps = _mean(maps[:count], maps[count:, :, ::-1])
            logits, embedding = _mean(logits[:count], logits[count:]), _mean(embedding[:count], embedding[count:])
        native = [box.back(values) for box, values in zip(boxes, maps, strict=True)]
        t3 = time.perf_counter()
        seconds = {"preprocess": (t1 - t0) / count, "forward": (t2 - t1) / count, "postprocess": (t3 - t2) / count}
        return [
            Prediction(native[i], logits[i], embedding[i], out.cams[i], squares[i], boxes[i], seconds)
            for i in range(count)
        ]


def as_input(squares: NDArray[np.uint8]) -> Floats:
    """(N, S, S) uint8 as the network's input (N, 1, S, S) in [0, 1]."""
    return squares[:, None].astype(np.float32) / np.float32(255.0)


def _mean(a: Floats, b: Floats) -> Floats:
    return np.asarray((a + b) / 2, dtype=np.float32)


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -80.0, 80.0))), dtype=np.float32)

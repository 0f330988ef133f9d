"""Images that are no breast ultrasound, made from nothing or from training images, to teach the input guard.

Outlier exposure (Hendrycks et al., ICLR 2019): the guard learns from images it must refuse, though not from the kinds it
will be measured on. Ultrasound upside down, inverted or cut up is left out: it is so much like ultrasound that learning to
refuse it would have images of other hospitals refused too. All are (H, W) uint8 and drawn from a seeded generator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Maker = Callable[[np.random.Generator, Grey], Grey]
SHAPE = (240, 320)


def make_negatives(examples: Sequence[Grey], per_kind: int, seed: int = 0) -> list[Grey]:
    """``per_kind`` images of every kind. ``examples`` are training images (H, W) for the kinds that distort one."""
    rng = np.random.default_rng(seed)
    return [make(rng, examples[int(rng.integers(len(examples)))]) for make in MAKERS for _ in range(per_kind)]


def _eight(values: NDArray[np.floating]) -> Grey:
    low, high = float(values.min()), float(values.max())
    return np.asarray((values - low) * (255.0 / max(high - low, 1e-9)), dtype=np.uint8)


def _coloured_noise(rng: np.random.Generator, slope: float) -> NDArray[np.float64]:
    """Noise whose amplitude falls as frequency^−slope: the spectrum of natural scenes at slope 1 (Field, JOSA A 1987)."""
    f = np.hypot(np.fft.fftfreq(SHAPE[0])[:, None], np.fft.rfftfreq(SHAPE[1])[None, :])
    f[0, 0] = 1.0
    phase = rng.uniform(0, 2 * np.pi, f.shape)
    return np.asarray(np.fft.irfft2(f**-slope * np.exp(1j * phase), SHAPE))


def _noise(rng: np.random.Generator, _example: Grey) -> Grey:
    return _eight(_coloured_noise(rng, float(rng.uniform(0, 2))))


def _gradient(rng: np.random.Generator, _example: Grey) -> Grey:
    angle, (y, x) = rng.uniform(0, 2 * np.pi), np.mgrid[: SHAPE[0], : SHAPE[1]]
    return _eight(x * np.cos(angle) + y * np.sin(angle) + rng.uniform(0, 40) * rng.normal(size=SHAPE))


def _scene(rng: np.random.Generator, _example: Grey) -> Grey:
    """Overlapping textured shapes, as in photographs (the dead-leaves model; Lee, Mumford and Huang, IJCV 2001)."""
    canvas = _coloured_noise(rng, 1.2)
    canvas = canvas / canvas.std() * 10 + rng.uniform(30, 220)
    for _ in range(int(rng.integers(4, 60))):
        shape = np.zeros(SHAPE, np.uint8)
        centre = (int(rng.integers(SHAPE[1])), int(rng.integers(SHAPE[0])))
        radius = int(min(150, 6 / rng.uniform(0.02, 1)))
        axes = (radius, max(3, round(radius * float(rng.uniform(0.3, 1)))))
        if rng.random() < 0.5:
            cv2.ellipse(shape, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
        else:
            corners = cv2.boxPoints((centre, (2 * axes[0], 2 * axes[1]), float(rng.uniform(0, 180))))
            cv2.fillPoly(shape, [corners.astype(np.int32)], 1)
        grain = rng.normal(0, rng.uniform(0, 12), SHAPE)
        canvas = np.where(shape > 0, rng.uniform(0, 255) + grain, canvas)
    return np.asarray(np.clip(cv2.GaussianBlur(canvas, (0, 0), float(rng.uniform(0.3, 1.5))), 0, 255), dtype=np.uint8)


def _page(rng: np.random.Generator, _example: Grey) -> Grey:
    """Panels with lines of letters and frames, dark on light or light on dark, as on documents and screens."""
    light = rng.random() < 0.6
    canvas = np.full(SHAPE, rng.uniform(200, 255) if light else rng.uniform(0, 70), np.uint8)
    for _ in range(int(rng.integers(0, 7))):
        x, y = int(rng.integers(-40, 300)), int(rng.integers(-40, 220))
        corner = (x + int(rng.integers(20, 260)), y + int(rng.integers(10, 200)))
        cv2.rectangle(canvas, (x, y), corner, float(rng.uniform(0, 255)), int(rng.choice([-1, -1, 1, 2])))
    ink = rng.uniform(0, 100) if light else rng.uniform(150, 255)
    size, face, pen = float(rng.uniform(0.22, 1.6)), int(rng.integers(0, 5)), int(rng.integers(1, 4))
    step, width = max(7, round(float(rng.uniform(24, 50)) * size)), int(rng.integers(2, 64))
    for y in range(12, SHAPE[0], step):
        if rng.random() < 0.85:
            letters = "".join(chr(int(c)) for c in rng.integers(48, 122, int(rng.integers(1, width))))
            pen_now = pen if size > 0.6 else 1
            cv2.putText(canvas, letters, (int(rng.integers(-20, 60)), y), face, size, ink, pen_now, cv2.LINE_AA)
    return canvas


def _slice(rng: np.random.Generator, _example: Grey) -> Grey:
    """A bright body with organs on black, as tomograms and radiographs show it."""
    canvas = np.zeros(SHAPE)
    cv2.ellipse(
        canvas,
        (160, 120),
        (int(rng.integers(70, 150)), int(rng.integers(60, 115))),
        0,
        0,
        360,
        float(rng.uniform(60, 160)),
        -1,
    )
    body = canvas > 0
    for _ in range(int(rng.integers(2, 14))):
        centre = (int(rng.integers(60, 260)), int(rng.integers(40, 200)))
        axes = (int(rng.integers(4, 45)), int(rng.integers(4, 45)))
        organ = np.zeros(SHAPE, np.uint8)
        cv2.ellipse(organ, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
        canvas[(organ > 0) & body] = rng.uniform(0, 255)
    canvas = cv2.GaussianBlur(canvas, (0, 0), float(rng.uniform(0.5, 3))) + rng.normal(0, rng.uniform(0, 12), SHAPE)
    return np.asarray(np.clip(canvas, 0, 255), dtype=np.uint8)


def _turned(rng: np.random.Generator, example: Grey) -> Grey:
    return np.ascontiguousarray(np.rot90(example, int(rng.choice([1, 3]))))


def _blurred(rng: np.random.Generator, example: Grey) -> Grey:
    return np.asarray(
        cv2.GaussianBlur(example, (0, 0), max(example.shape) / float(rng.uniform(25, 60))), dtype=np.uint8
    )


def _drowned(rng: np.random.Generator, example: Grey) -> Grey:
    noisy = example.astype(np.float64) + rng.normal(0, rng.uniform(60, 140), example.shape)
    return np.asarray(np.clip(noisy, 0, 255), dtype=np.uint8)


MAKERS: tuple[Maker, ...] = (_noise, _gradient, _scene, _page, _page, _slice, _turned, _blurred, _drowned)

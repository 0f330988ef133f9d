"""Images that the input guard must flag, from what the installed packages and the given folders hold: (kind, name, frame).

Nothing here teaches the guard: it learns from training images and from `busi_viewer.training.negatives` alone, so the
photographs, tomograms, pages and screenshots below are of sources it has never seen. Only the turned, inverted, blurred and
drowned kinds are also among its lessons (made of other images). Kinds that are one picture cut up are few sources: the figures
name both counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from busi_viewer.bootstrap import services
from busi_viewer.core.errors import UserError
from busi_viewer.core.image import to_grey, to_uint8
from busi_viewer.paths import resource
from busi_viewer.workflow.open import open_image

Negative = tuple[str, str, np.ndarray]

TOMOGRAMS = ("CT_small.dcm", "693_J2KI.dcm", "J2K_pixelrep_mismatch.dcm", "MR_small.dcm", "examples_overlay.dcm",
             "JPEG2000.dcm", "JPGExtended.dcm")  # fmt: skip
OTHER_ULTRASOUND = ("examples_rgb_color.dcm", "examples_palette.dcm", "examples_jpeg2k.dcm", "ExplVR_BigEnd.dcm",
                    "examples_ybr_color.dcm")  # fmt: skip


def _crops(frame: np.ndarray, count: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """The whole frame, then crops of a third to two thirds of its sides."""
    yield frame
    h, w = frame.shape[:2]
    for _ in range(count):
        ch, cw = int(h * rng.uniform(0.35, 0.7)), int(w * rng.uniform(0.35, 0.7))
        y, x = int(rng.integers(h - ch + 1)), int(rng.integers(w - cw + 1))
        yield np.ascontiguousarray(frame[y : y + ch, x : x + cw])


def photographs(rng: np.random.Generator) -> Iterator[Negative]:
    """scikit-learn's and matplotlib's sample photographs with crops, as they are and in grey."""
    import matplotlib
    from sklearn.datasets import load_sample_images

    sample = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    sources = dict(zip(("china", "flower"), load_sample_images().images, strict=True))
    if sample.is_file():
        sources["grace_hopper"] = np.asarray(Image.open(sample).convert("RGB"))
    for name, frame in sources.items():
        for k, crop in enumerate(_crops(frame, 9, rng)):
            yield "photograph in colour", f"{name}/{k}", crop
            yield "photograph in grey", f"{name}/{k}", to_grey(crop)


def dicoms(rng: np.random.Generator) -> Iterator[Negative]:
    """pydicom's test files: CT, MR and scintigrams with crops, and ultrasound of other organs."""
    from pydicom.data import get_testdata_file

    sources = services().sources
    for kind, names, crops in (("tomogram", TOMOGRAMS, 4), ("ultrasound of another organ", OTHER_ULTRASOUND, 0)):
        for name in names:
            path = get_testdata_file(name)
            try:
                record = open_image(Path(str(path)), sources)
                frames = [record.frames[i] for i in range(0, len(record.frames), 10)]
            except UserError:
                continue
            for k, frame in enumerate(frames):
                for j, crop in enumerate(_crops(to_uint8(frame, record.window), crops, rng)):
                    if min(crop.shape[:2]) < 64:
                        crop = cv2.resize(crop, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
                    yield kind, f"{name}/{k}.{j}", crop


def pages(rng: np.random.Generator, texts: Sequence[Path]) -> Iterator[Negative]:
    """Printed pages of text files, dark on white or light on dark, in three sizes."""
    for path in texts:
        words = path.read_text(encoding="utf-8", errors="replace").splitlines()
        for k, size in enumerate((11, 16, 26)):
            paper, ink = ((255, 20), (238, 60), (24, 225))[k]
            page = Image.new("L", (620, 800), paper)
            font = ImageFont.truetype(str(resource("fonts", "Inter-Regular.ttf")), size)
            start = int(rng.integers(max(1, len(words) - 40)))
            ImageDraw.Draw(page).multiline_text((40, 30), "\n".join(words[start : start + 60]), fill=ink, font=font)
            yield "page of text", f"{path.name}/{k}", np.asarray(page)


def pictures(rng: np.random.Generator, folders: Sequence[Path]) -> Iterator[Negative]:
    """Screenshots, drawings and icons: every PNG of the folders (searched through) of at least 128 pixels, with two crops."""
    for folder in folders:
        for path in sorted(folder.rglob("*.png")):
            image = Image.open(path)
            if min(image.size) < 128:
                continue
            image.thumbnail((1280, 1280))
            backed = Image.new("RGBA", image.size, (255, 255, 255, 255))
            frame = np.asarray(Image.alpha_composite(backed, image.convert("RGBA")).convert("RGB"))
            for k, crop in enumerate(_crops(frame, 2, rng)):
                yield "screenshot or drawing", f"{path.name}/{k}", crop


def made(rng: np.random.Generator, count: int) -> Iterator[Negative]:
    """Noise, stripes, ramps and flat frames."""
    y, x = np.mgrid[:300, :400]
    for k in range(count):
        yield "noise", f"white/{k}", rng.integers(0, 256, (300, 400)).astype(np.uint8)
        soft = cv2.GaussianBlur(rng.normal(128, 60, (300, 400)), (0, 0), float(rng.uniform(0.5, 3)))
        yield "noise", f"soft/{k}", np.clip(soft, 0, 255).astype(np.uint8)
        wave = 127 + 120 * np.sin((x * rng.normal() + y * rng.normal()) / 6)
        yield "stripes or ramp", f"stripes/{k}", wave.astype(np.uint8)
        ramp = (x * rng.uniform(0, 1) + y * rng.uniform(0, 1)) / 2.8
        yield "stripes or ramp", f"ramp/{k}", np.clip(ramp, 0, 255).astype(np.uint8)
        yield "blank", f"blank/{k}", np.clip(rng.normal(40 * k % 255, 2, (300, 400)), 0, 255).astype(np.uint8)


def distorted(rng: np.random.Generator, frames: Sequence[tuple[str, np.ndarray]]) -> Iterator[Negative]:
    """Ultrasound images turned, inverted, blurred beyond reading, drowned in noise, or two of them side by side."""
    for k, (sample, frame) in enumerate(frames):
        name = f"{sample}/0"
        grey = to_grey(frame)
        yield "ultrasound upside down", name, np.ascontiguousarray(grey[::-1, ::-1])
        yield "ultrasound on its side", name, np.ascontiguousarray(np.rot90(grey, 1 + 2 * (k % 2)))
        yield "ultrasound inverted", name, 255 - grey
        yield "ultrasound blurred", name, cv2.GaussianBlur(grey, (0, 0), max(grey.shape) / 40)
        drowned = grey + rng.normal(0, 90, grey.shape)
        yield "ultrasound in noise", name, np.clip(drowned, 0, 255).astype(np.uint8)
        other = to_grey(frames[(k + 1) % len(frames)][1])
        height, width = min(grey.shape[0], other.shape[0]), min(grey.shape[1], other.shape[1])
        yield "two views, joined", name, np.hstack([grey[:height, :width], other[:height, :width]])

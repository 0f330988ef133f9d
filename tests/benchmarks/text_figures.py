"""How often text on the pixels stops a de-identification: ``python tests/benchmarks/text_figures.py FOLDER -n N -o FILE``.

Ultrasound frames without text (FOLDER of images) get a line of text (a name, a number, a date) in one of several typefaces,
heights and contrasts at a random place, tissue or not; a third of the frames stay as they are. Reported with Wilson's 95 %
interval: the share of frames with text that are held back, by height, contrast and typeface, and of those without.
Contrast is by how many grey levels the letters are brighter than what they cover (clipped at 255).
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from busi_viewer.core.statistics import wilson
from busi_viewer.dicom.residual_text import suspects

FACES = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif", "stroke", "stroke serif", "bitmap")
STROKES = {"stroke": cv2.FONT_HERSHEY_SIMPLEX, "stroke serif": cv2.FONT_HERSHEY_COMPLEX}
HEIGHTS = (7, 8, 9, 10, 12, 16, 24)
CONTRASTS = (40, 70, 120, 255)
TEXTS = ("MUELLER ANNA", "Garcia, Maria", "Kowalska", "O. Petrova 1968", "ID 4711-0815", "12/03/1968", "Smith^Jane")
TEXTS += ("Yamamoto", "DR. HOUSE", "Nguyen Thi")


def letters(text: str, font: str, height: int) -> NDArray[np.float64]:
    """Coverage in [0, 1] of a line of text whose capitals are ``height`` pixels high."""
    sheet = np.zeros((4 * height + 16, 2 * height * len(text) + 32), np.uint8)
    if font in STROKES:
        scale = cv2.getFontScaleFromHeight(STROKES[font], height, 1)
        cv2.putText(sheet, text, (4, 2 * height), STROKES[font], scale, 255, 1, cv2.LINE_AA)
    else:
        bitmap = font == "bitmap"
        face = (
            ImageFont.load_default_imagefont() if bitmap else ImageFont.truetype(FACES / f"{font}.ttf", height / 0.73)
        )
        picture = Image.fromarray(sheet)
        ImageDraw.Draw(picture).text((4, 2), text, font=face, fill=255)
        sheet = np.asarray(picture)
        if bitmap and height >= 12:
            sheet = np.kron(sheet, np.ones((round(height / 8),) * 2, np.uint8))
    rows, columns = np.flatnonzero(sheet.any(axis=1)), np.flatnonzero(sheet.any(axis=0))
    return sheet[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] / 255.0


def planted(frame: NDArray[np.uint8], draw: random.Random) -> tuple[NDArray[np.uint8], dict[str, Any]] | None:
    """The frame with a line of text, and what it is; None where it does not fit."""
    what = {"font": draw.choice(FONTS), "height": draw.choice(HEIGHTS), "contrast": draw.choice(CONTRASTS)}
    cover = letters(draw.choice(TEXTS), what["font"], what["height"])
    height, width = cover.shape
    if height + 4 > frame.shape[0] or width + 4 > frame.shape[1]:
        return None
    y, x = draw.randrange(2, frame.shape[0] - height - 1), draw.randrange(2, frame.shape[1] - width - 1)
    out = frame.astype(np.float64)
    under = out[y : y + height, x : x + width]
    under += cover * (np.minimum(under + what["contrast"], 255) - under)
    return np.rint(out).astype(np.uint8), what


def rate(hits: Iterable[bool]) -> dict[str, Any]:
    """Share, number and interval."""
    found = list(hits)
    share = sum(found) / max(len(found), 1)
    return {
        "n": len(found),
        "rate": round(share, 3),
        "ci95": [round(end, 3) for end in wilson(share, max(len(found), 1))],
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-n", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--out", type=Path, required=True)
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    files = sorted(path for path in arguments.folder.iterdir() if path.suffix in (".png", ".jpg"))
    clean, texts = [], []
    for number in range(arguments.n):
        frame = cv2.imread(str(draw.choice(files)), cv2.IMREAD_GRAYSCALE)
        made = planted(frame, draw) if number % 3 else None
        if made is None:
            clean.append(bool(suspects(frame, frozenset())))
        else:
            texts.append((bool(suspects(made[0], frozenset())), made[1]))
        result = {
            "held back without text": rate(clean),
            "held back with text": rate(hit for hit, _ in texts),
            **{
                f"by {key}": {
                    str(value): rate(hit for hit, what in texts if what[key] == value)
                    for value in sorted({what[key] for _, what in texts})
                }
                for key in ("height", "contrast", "font")
            },
        }
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()

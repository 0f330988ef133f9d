"""The words of ``busi-viewer dicom deidentify``."""

from __future__ import annotations

import argparse
import re

from busi_viewer.cli.argument_types import path


def add_words(verb: argparse.ArgumentParser) -> None:
    """Files, the new folder, and the choices of core.deidentify.DeidentifyOptions."""
    verb.add_argument("paths", nargs="+", type=path, metavar="PATH", help="DICOM files and folders of them")
    verb.add_argument("-o", "--out", required=True, type=path, metavar="DIR", help="the new folder")
    verb.add_argument(
        "--dates", choices=("remove", "shift"), default="remove", help="shift: by days of each patient's own"
    )
    verb.add_argument(
        "--text",
        choices=("refuse", "remove"),
        default="refuse",
        help="where letters are found on the image: refuse the file (the default), or blacken them on every frame",
    )
    verb.add_argument(
        "--region",
        type=_box,
        metavar="X0,Y0,X1,Y1",
        help="keep only what lies in this box (pixels), on every frame; for files that state no acquisition region",
    )
    verb.add_argument(
        "--one-time", action="store_true", help="pseudonyms and UIDs that no other run will give to the same patients"
    )


def _box(text: str) -> tuple[int, int, int, int]:
    if not re.fullmatch(r"\d{1,6}(,\d{1,6}){3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not four whole numbers X0,Y0,X1,Y1")
    x0, y0, x1, y1 = (int(number) for number in text.split(","))
    if x0 >= x1 or y0 >= y1:
        raise argparse.ArgumentTypeError(f"{text!r} holds no pixel: X0 is left of X1, Y0 above Y1")
    return x0, y0, x1, y1

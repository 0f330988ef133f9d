"""What words of the command line stand for: devices, folders, numbers, settings. Each raises ArgumentTypeError."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from busi_viewer.core import training

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def device(text: str) -> str:
    """A device's name."""
    if not _DEVICE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not auto, cpu, cuda, cuda:N or mps")
    return text


def path(text: str) -> Path:
    """A file's or folder's name. Nothing at all (a variable that is not set) does not stand for the folder one is in."""
    if not text:
        raise argparse.ArgumentTypeError("its name is empty")
    return Path(text)


def folder(text: str) -> Path:
    """A folder that is there."""
    if not path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not a folder")
    return Path(text)


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def setting(text: str) -> tuple[str, object]:
    """``key=value`` of a recipe."""
    try:
        return training.setting(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error

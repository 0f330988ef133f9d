"""The words of ``busi-viewer dicom echo``, ``find``, ``send`` and ``receive``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from busi_viewer.cli.argument_types import path

_PEER = "title of a known peer, or TITLE@HOST:PORT"


def add_verbs(add: Callable[[str, str], argparse.ArgumentParser], add_json: Callable[[Any, str], None]) -> None:
    """Add the verbs; ``add`` makes a verb's parser of name and summary."""
    echo = add("echo", "ask whether a DICOM peer answers (C-ECHO)")
    echo.add_argument("peer", metavar="PEER", help=_PEER)
    find = add("find", "list what a DICOM peer has (C-FIND)")
    find.add_argument("peer", metavar="PEER", help=_PEER)
    find.add_argument(
        "keys", nargs="*", default=[], metavar="KEYWORD=VALUE", help="as PatientID=4711 StudyDate=20240101-"
    )
    find.add_argument("--level", choices=("study", "series", "image"), default="study", help="default: study")
    add_json(find, "write the same for machines")
    send = add("send", "send DICOM files (C-STORE); without PATH, what is left in the queue")
    send.add_argument("paths", nargs="*", type=path, default=[], metavar="PATH", help="DICOM files and folders")
    send.add_argument("--to", dest="peer", metavar="PEER", help=_PEER)
    send.add_argument(
        "--wait",
        type=_seconds,
        default=60.0,
        metavar="S",
        help="try again for so many seconds; what is left then stays in the queue (default: %(default)g)",
    )
    receive = add("receive", "take what DICOM peers send into a folder")
    receive.add_argument("-o", "--out", required=True, type=path, metavar="DIR", help="folder for the objects")
    receive.add_argument(
        "--port", type=_port, metavar="N", help="default: that of the settings, 11112; 0: any free one"
    )
    receive.add_argument(
        "--address", default="127.0.0.1", metavar="A", help="listen on this address (default: this computer only)"
    )
    receive.add_argument("--only", action="append", metavar="TITLE", help="take only from this title; may be repeated")
    receive.add_argument("--count", type=_number, default=0, metavar="N", help="end after so many objects")
    receive.add_argument(
        "--max-mb", type=_number, default=1024, metavar="N", help="break off larger objects (default: %(default)s)"
    )
    for verb in (echo, find, send, receive):
        verb.add_argument("--title", metavar="AE", help="our application entity title (default: that of the settings)")


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return found


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)

"""The same pixels whatever optional decoders are installed: ours are called by name, never those that pydicom finds."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OPTIONAL = ("gdcm", "pylibjpeg", "libjpeg", "imagecodecs", "nvidia", "pydicom.pixels.decoders")
"""What pydicom would decode with if it were there, and its decoders themselves."""

RUN = """
import hashlib, importlib.abc, json, sys
from pathlib import Path

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ImportError(f"{name} is blocked")

blocked = set(json.loads(sys.argv[1]))
sys.meta_path.insert(0, Refuse())
import pydicom, pydicom.data
from pydicom.pixels.decoders.base import Decoder
if "pydicom.pixels.decoders" in blocked:
    def refuse(*_args, **_options): raise RuntimeError("pydicom decodes")
    Decoder.as_array = Decoder.iter_array = Decoder.as_buffer = refuse
from busi_viewer.core.errors import UserError
from busi_viewer.dicom.source import DicomSource
found = {}
for path in sorted((Path(pydicom.data.__file__).parent / "test_files").glob("*.dcm")):
    if path.stat().st_size > 150_000:
        continue
    try:
        record = DicomSource().open(path)
    except UserError as error:
        found[path.name] = error.what
        continue
    found[path.name] = hashlib.sha256(b"".join(record.frames[i].tobytes() for i in range(min(len(record.frames), 3)))).hexdigest()
print(json.dumps([found, sorted(name for name in blocked if name in sys.modules and name != "pydicom.pixels.decoders")]))
"""


def pixels(*blocked):
    """SHA-256 of the first frames of every file that pydicom brings along, with some packages as if not installed."""
    command = [sys.executable, "-c", RUN, json.dumps(blocked)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found, loaded = json.loads(done.stdout)
    assert loaded == []
    return found


@pytest.fixture(scope="module")
def as_installed():
    found = pixels()
    assert sum(len(value) == 64 for value in found.values()) > 30
    return found


@pytest.mark.parametrize("blocked", [("gdcm",), ("pylibjpeg",), OPTIONAL], ids=["gdcm", "pylibjpeg", "all"])
def test_no_optional_decoder_changes_a_pixel(as_installed, blocked):
    assert pixels(*blocked) == as_installed


def test_decoders_are_pinned_to_what_was_tested():
    """Each from the version tested on up to, and not with, the next major one."""
    required = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    for name in ("pillow", "pydicom", "pyjpegls", "pylibjpeg-openjpeg", "pylibjpeg-rle"):
        wanted = next(line for line in required if re.split(r"[<>=!]", line)[0] == name)
        low, high = re.fullmatch(rf"{name}>=(\d+)[\d.]*,<(\d+)", wanted).groups()
        assert int(low) < int(high)

"""Damaged files: a record or a UserError, never a crash, a hang, unbounded memory or noise on the terminal.

``BUSI_VIEWER_FUZZ=2000`` runs that many mutations instead of the few of an ordinary test run.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from PIL import Image

COUNT = int(os.environ.get("BUSI_VIEWER_FUZZ", "150"))
SCRIPT = Path(__file__).with_name("mutations.py")


def _save_rasters(folder: Path) -> None:
    rng = np.random.default_rng(7)
    grey = (rng.random((60, 80)) * 255).astype(np.uint8)
    rgb = rng.integers(0, 255, (60, 80, 3)).astype(np.uint8)
    image, colour = Image.fromarray(grey), Image.fromarray(rgb)
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    image.save(folder / "grey.png")
    colour.save(folder / "rgb.png")
    colour.convert("RGBA").save(folder / "rgba.png")
    colour.quantize(64).save(folder / "palette.png")
    image.convert("1").save(folder / "bit.png")
    deep.save(folder / "deep.png")
    image.save(folder / "grey.jpg")
    colour.save(folder / "progressive.jpg", progressive=True)
    colour.convert("CMYK").save(folder / "cmyk.jpg")
    colour.save(folder / "rgb.bmp")
    image.convert("P").save(folder / "palette.bmp")
    deep.save(folder / "deep.tif")
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        colour.save(folder / f"{compression}.tif", compression=compression)
    image.convert("1").save(folder / "fax.tif", compression="group4")
    image.save(folder / "pages.tif", save_all=True, append_images=[image, image], compression="tiff_lzw")


def _save_dicoms(folder: Path) -> None:
    bundled = Path(pydicom.data.__file__).parent / "test_files"
    for path in sorted(bundled.glob("*.dcm")):
        if path.stat().st_size < 220_000:
            (folder / path.name).write_bytes(path.read_bytes())


def _run(originals: Path, first: int, count: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(originals), str(first), str(count)],
        capture_output=True,
        text=True,
        timeout=60 + count * 0.5,
        check=False,
    )


@pytest.mark.parametrize("kind", ["raster", "dicom"])
def test_damaged_files_open_or_are_refused(kind, tmp_path):
    (_save_rasters if kind == "raster" else _save_dicoms)(tmp_path)
    faults, first, end = [], 0, COUNT // 2
    while first < end:
        run = _run(tmp_path, first, end - first)
        last = run.stdout.splitlines()[-1] if run.stdout else "nothing printed"
        if run.returncode or run.stderr:
            faults.append(f"{last}: exit {run.returncode} {run.stderr[-1500:]}")
        if last.startswith("done") or not last[0].isdigit() or len(faults) > 20:
            break
        first = int(last.split()[0]) + 1
    assert not faults, "\n".join(faults)

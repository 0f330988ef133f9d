"""Damaged files: a record or a UserError, never a crash, a hang, unbounded memory or noise on the terminal.

``BUSI_VIEWER_FUZZ=10000`` runs that many mutations, half of them DICOM, instead of the few of an ordinary test run.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from openjpeg.utils import encode_array
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

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
    _save_own_dicoms(folder)


def _save_own_dicoms(folder: Path) -> None:
    """What no published file has: small ones in every compression, as cine, deflated, with regions and palettes; a DICOMDIR."""
    rng = np.random.default_rng(8)
    grey = np.rint(127 + 127 * np.sin(np.add.outer(np.arange(40), np.arange(48)) / 9)).astype(np.uint8)
    pictures = {
        "grey": grey,
        "cine": np.stack([grey, 255 - grey, grey // 2]),
        "rgb": np.stack([grey, 255 - grey, grey], -1),
    }
    deep = (grey.astype(np.uint16) << 4) + rng.integers(0, 16, grey.shape).astype(np.uint16)
    for name, pixels in {**pictures, "deep": deep}.items():
        for syntax in (
            uid.ExplicitVRLittleEndian,
            uid.DeflatedExplicitVRLittleEndian,
            uid.RLELossless,
            uid.JPEG2000Lossless,
        ):
            ds = _dataset(pixels)
            ds.file_meta.TransferSyntaxUID = syntax
            if syntax == uid.RLELossless:
                ds.compress(syntax, pixels, generate_instance_uid=False)
            elif syntax == uid.JPEG2000Lossless:
                _encapsulate(ds, [encode_array(frame) for frame in (pixels if name == "cine" else [pixels])])
            ds.save_as(folder / f"{name} {syntax.keyword}.dcm", enforce_file_format=True)
    palette = _dataset(grey)
    palette.PhotometricInterpretation = "PALETTE COLOR"
    for colour in ("Red", "Green", "Blue"):
        setattr(palette, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        words = [0, 2, 0, 9, 1, 253, 60000, 2, 1, 0, 0]
        setattr(palette, f"Segmented{colour}PaletteColorLookupTableData", np.array(words, "<u2").tobytes())
    palette.save_as(folder / "palette.dcm", enforce_file_format=True)
    shutil.copy(Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests" / "DICOMDIR", folder)
    compress = shutil.which("ojph_compress")
    if compress:
        picture, stream = folder.parent / "picture.pgm", folder.parent / "picture.j2c"
        Image.fromarray(grey).save(picture)
        subprocess.run([compress, "-i", picture, "-o", stream, "-reversible", "true"], check=True, capture_output=True)
        ds = _dataset(grey)
        ds.file_meta.TransferSyntaxUID = uid.HTJ2KLossless
        _encapsulate(ds, [stream.read_bytes()])
        ds.save_as(folder / "htj2k.dcm", enforce_file_format=True)


def _encapsulate(ds: Dataset, frames: list[bytes]) -> None:
    ds.PixelData = encapsulate(frames)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True


def _dataset(pixels) -> Dataset:
    """An ultrasound image with a calibrated region and a window."""
    ds, region = Dataset(), Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = uid.UltrasoundImageStorage, "1.2.3", "US"
    ds.SpecificCharacterSet, ds.PatientName, ds.StudyInstanceUID = "ISO_IR 192", "Müller^Anna", "1.2.4"
    ds.set_pixel_data(pixels, "RGB" if pixels.shape[-1] == 3 else "MONOCHROME2", 12 if pixels.dtype == np.uint16 else 8)
    ds.WindowCenter, ds.WindowWidth, ds.VOILUTFunction = [100, 50], [200, 10], "SIGMOID"
    region.RegionSpatialFormat = region.RegionDataType = 1
    region.RegionFlags, region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection = 0, 3, 3
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1 = region.RegionLocationMaxY1 = 30
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.01
    ds.SequenceOfUltrasoundRegions = [region]
    return ds


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
    sys.stdout.write(f"{last}\n")  # shown by pytest -s: opened, refused, longest in seconds, most memory in MiB
    assert not faults, "\n".join(faults)

"""The table of transfer syntax × photometric interpretation × pixel type, against independent decoders."""

import re
from pathlib import Path

import numpy as np
import pytest
from syntax_kit import NATIVE, cases, encoded, native, picture, rgb, scene, table

from busi_viewer.dicom.source import DicomSource

README = Path(__file__).parents[2] / "README.md"


def allowed(case):
    """Grey levels by which two right decoders may differ.

    dcmtk cuts the fractions off when it converts YCbCr; two inverse cosine transforms may differ by a rounding of 4,095.
    """
    cut = case.kind.startswith("YBR") and not case.photometric
    return 2 if cut or (case.syntax == "JPEG extended" and "12 bit" in case.kind) else 1


@pytest.mark.parametrize("case", cases(), ids=str)
def test_shown_as_an_independent_decoder_shows_it(case, tmp_path):
    path = encoded(case, tmp_path)
    expected = picture(case, path, tmp_path).astype(int)
    shown = DicomSource().open(path).frames[0].astype(int)
    assert shown.shape == expected.shape
    assert np.abs(shown - expected).max() <= allowed(case)
    assert np.ptp(expected) > 100  # a picture of something
    if case.exact:
        np.testing.assert_array_equal(shown, as_stored(case))


def as_stored(case):
    """What is to be seen where nothing is lost."""
    values = scene(case.kind).astype(int)
    if "signed" in case.kind:
        values += 32768
    if case.kind.startswith("MONOCHROME1"):
        values = (4095 if "12 bit" in case.kind else 255) - values
    return values >> 8 if case.kind.startswith("RGB, 16") else values


@pytest.mark.parametrize("kind", [kind for kind in NATIVE if kind.startswith("YBR_FULL")])
def test_colour_conversion_is_the_standards(kind, tmp_path):
    shown = DicomSource().open(native(tmp_path / "a", kind)).frames[0].astype(int)
    assert np.abs(shown - rgb(scene(kind))).max() <= 1


def test_the_readme_says_what_is_tested():
    said = re.search(r"<!-- syntaxes -->\n(.*?)<!-- end -->", README.read_text(encoding="utf-8"), re.DOTALL)
    assert said
    assert said.group(1) == table()

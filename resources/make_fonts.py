"""Prepare the bundled Inter (resources/fonts/Inter-*.ttf): tabular figures for digits and signs alone.

As published, Inter's feature ``tnum`` also gives spaces, hyphens, brackets and full stops a digit's width, which tears
running text apart ("Grad - CAM"). Run ``python resources/make_fonts.py`` (needs fonttools) on Inter 4.001's static files.
"""

from __future__ import annotations

from pathlib import Path

from fontTools.ttLib import TTFont

FOLDER = Path(__file__).resolve().parent / "fonts"
KEPT = {"zero", "one", "two", "three", "three.1", "four", "five", "six", "seven", "eight", "nine", "plus", "minus"}


def narrow(font: TTFont) -> None:
    """Leave only KEPT to the lookups of ``tnum``."""
    table = font["GSUB"].table
    of_tnum = {
        index
        for record in table.FeatureList.FeatureRecord
        if record.FeatureTag == "tnum"
        for index in record.Feature.LookupListIndex
    }
    for index in of_tnum:
        for part in table.LookupList.Lookup[index].SubTable:
            mapping = getattr(part, "ExtSubTable", part).mapping
            for glyph in set(mapping) - KEPT:
                del mapping[glyph]


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("Inter-*.ttf")):
        face = TTFont(path, recalcTimestamp=False)
        narrow(face)
        face.save(path)

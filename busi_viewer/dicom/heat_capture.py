"""The heatmap over the image as Secondary Capture; below the image, never over it, what it is and what it is not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import RLELosslessEncoder
from pydicom.sequence import Sequence
from pydicom.uid import MultiFrameTrueColorSecondaryCaptureImageStorage, SecondaryCaptureImageStorage

from busi_viewer import paths
from busi_viewer.core.derived import HEAT_CAVEAT, RESEARCH, Derived
from busi_viewer.core.errors import OutputError
from busi_viewer.core.image import to_uint8
from busi_viewer.core.render import blend_heatmap, heat_colours
from busi_viewer.core.results import FrameResult
from busi_viewer.dicom import codes
from busi_viewer.dicom.capture import describe_frames, put_pixels
from busi_viewer.dicom.envelope import Series, begin, lossy
from busi_viewer.dicom.naming import SOFTWARE
from busi_viewer.dicom.origin import Origin

DESCRIPTION = "AI heatmap, research use only"
_PAPER, _INK, _WARNING = (16, 19, 24), (226, 230, 236), (245, 190, 90)


def heatmap_capture(origin: Origin, derived: Derived) -> tuple[Dataset, bool]:
    """The object, and whether its frames are RLE-compressed (they are where there are several).

    Frames follow those of the source that have a heatmap. Raises OutputError if none has, UnreadableImage.
    """
    warm = [frame for frame in derived.frames if frame.heatmap is not None]
    if not warm:
        raise OutputError(
            "there is no heatmap of this image",
            path=derived.record.path,
            remedy="Analyse the image first; where the estimate is withheld there is none.",
        )
    several = len(warm) > 1
    sop = MultiFrameTrueColorSecondaryCaptureImageStorage if several else SecondaryCaptureImageStorage
    ds = begin(Series("heatmap", sop, 9103, "US", DESCRIPTION), origin, derived)
    lossy(ds, origin)
    ds.ImageType = ["DERIVED", "SECONDARY"]
    ds.ConversionType = "WSD"
    ds.SecondaryCaptureDeviceManufacturer = ds.SecondaryCaptureDeviceManufacturerModelName = SOFTWARE
    ds.DerivationDescription = f"{HEAT_CAVEAT} {RESEARCH}"
    ds.BurnedInAnnotation = origin.header.get("BurnedInAnnotation") or "YES"
    source = origin.reference([frame.index for frame in warm])
    source.PurposeOfReferenceCodeSequence = Sequence([codes.SOURCE])
    source.SpatialLocationsPreserved = "NO"
    ds.SourceImageSequence = Sequence([source])
    if not several:
        put_pixels(ds, _page(derived, warm[0])[None])
        return ds, False
    pages = (_page(derived, frame) for frame in warm)
    packed = [_packed(page) for page in pages]
    put_pixels(ds, _page(derived, warm[0])[None])
    describe_frames(ds, len(warm))
    ds.FrameLabelVector = [f"Frame {frame.index + 1}" for frame in warm]
    ds.PixelData = encapsulate(packed)
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds, True


def _packed(page: NDArray[np.uint8]) -> bytes:
    encoded: bytes = RLELosslessEncoder.encode(
        page,
        rows=page.shape[0],
        columns=page.shape[1],
        number_of_frames=1,
        samples_per_pixel=3,
        bits_allocated=8,
        bits_stored=8,
        pixel_representation=0,
        photometric_interpretation="RGB",
        planar_configuration=0,
    )
    return encoded


def _page(derived: Derived, frame: FrameResult) -> NDArray[np.uint8]:
    """The frame with its heat, and below it the words; all pages of an object have one size."""
    assert frame.heatmap is not None
    image = blend_heatmap(to_uint8(derived.record.frames[frame.index], derived.record.window), frame.heatmap.values)
    return np.concatenate([image, _words(derived, frame, image.shape[1], image.shape[0])])


def _words(derived: Derived, frame: FrameResult, width: int, height: int) -> NDArray[np.uint8]:
    """The strip below: class, model and frame; a colour bar; the caveat; that this is research."""
    size = min(max(round(min(width, height) / 36), 11), 40)
    regular = ImageFont.truetype(str(paths.resource("fonts", "Inter-Regular.ttf")), size)
    bold = ImageFont.truetype(str(paths.resource("fonts", "Inter-SemiBold.ttf")), size)
    model, heat = derived.model, frame.heatmap
    which = (
        f"Frame {frame.index + 1:0{len(str(len(derived.record.frames)))}d}, " if len(derived.record.frames) > 1 else ""
    )
    title = f"{which}AI heatmap for “{heat.target if heat else ''}”"
    made = f"{model.name} {model.version}, weights {model.sha256[:12]}" if model else ""
    margin, leading = round(0.8 * size), round(1.4 * size)
    lines: list[tuple[str, ImageFont.FreeTypeFont, tuple[int, int, int]]] = []
    for text, font, colour in (
        (title, bold, _INK),
        (made, regular, _INK),
        (HEAT_CAVEAT, regular, _INK),
        (RESEARCH, bold, _WARNING),
    ):
        lines += [(part, font, colour) for part in _wrapped(text, font, width - 2 * margin)]
    strip = Image.new("RGB", (width, 2 * margin + leading * (len(lines) + 1)), _PAPER)
    draw = ImageDraw.Draw(strip)
    bar = np.broadcast_to(heat_colours()[None, :, :], (max(size // 2, 4), 256, 3)).astype(np.uint8)
    low, high = "little", "much weight"
    left = margin + int(draw.textlength(low, regular)) + size // 2
    long = max(min(12 * size, width - left - margin - int(draw.textlength(high, regular)) - size // 2), 8)
    draw.text((margin, margin), low, _INK, regular)
    strip.paste(Image.fromarray(np.ascontiguousarray(bar)).resize((long, bar.shape[0])), (left, margin + size // 3))
    draw.text((left + long + size // 2, margin), high, _INK, regular)
    for row, (text, font, colour) in enumerate(lines, 1):
        draw.text((margin, margin + row * leading), text, colour, font)
    return np.asarray(strip, dtype=np.uint8)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """The text in lines that fit; a word that is wider than a line stands alone."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines

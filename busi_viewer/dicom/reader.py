"""DICOM files as image records: single- and multi-frame, frames decoded when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from busi_viewer.core.files import digest_of, open_regular
from busi_viewer.core.frames import LazyFrames
from busi_viewer.core.image import ArrayFrames, Frames, ImageRecord, Pixels
from busi_viewer.dicom.calibration import calibrate, facts, frame_rate
from busi_viewer.dicom.codecs import FrameError
from busi_viewer.dicom.display import Display, make_display, make_windows
from busi_viewer.dicom.header import read_header
from busi_viewer.dicom.kinds import is_cine, notices
from busi_viewer.dicom.pixels import StoredPixels, locate, reading

SAMPLED_FRAMES = 16
"""How many frames of a cine with wide values are looked at for their common range."""


def read(path: Path) -> ImageRecord:
    """Open a file: the header and the first frame are read, the others when asked for. Raises as DicomSource.open."""
    with open_regular(path) as stream, reading(path):
        return _record(stream, path)


def _record(stream: BufferedReader, path: Path) -> ImageRecord:
    digest = digest_of(stream, path)
    header = read_header(stream, path)
    stored = locate(stream, header, path)
    ds, layout = header.dataset, header.layout
    raw, photometric = stored.raw(0)
    samples = [raw]
    if layout.floating or layout.bits_stored > 16:
        step = max(stored.count // SAMPLED_FRAMES, 1)
        samples += [stored.raw(index)[0] for index in range(step, stored.count, step)]
    display = make_display(ds, layout, samples)
    first = display.apply(raw, photometric)
    frames: Frames
    if stored.count == 1:
        first = _single_plane(first)
        frames = ArrayFrames((first,))
    else:
        frames = LazyFrames(stored.count, _Decoder(stored, display, first.shape), first)
    shape = (layout.rows, layout.columns)
    calibration = calibrate(ds, shape)
    described = facts(ds)
    windows = make_windows(ds, layout, display, first)
    return ImageRecord(
        path=path,
        digest=digest,
        kind="dicom",
        frames=frames,
        shape=shape,
        spacing_mm=calibration.spacing,
        regions=calibration.regions,
        covered=calibration.covered,
        window=windows[0][1],
        more_windows=tuple((name or f"File {n}", window) for n, (name, window) in enumerate(windows[1:], 2)),
        frame_rate=frame_rate(ds) if stored.count > 1 and is_cine(ds) else None,
        facts=described,
        warnings=(*notices(ds, described.get("Modality")), *stored.warnings, *calibration.warnings),
    )


@dataclass(frozen=True)
class _Decoder:
    """Decodes one frame to what is shown. Raises UnreadableImage."""

    stored: StoredPixels
    display: Display
    shape: tuple[int, ...]

    def __call__(self, index: int) -> Pixels:
        raw, photometric = self.stored.raw(index)
        with reading(self.stored.path):
            frame = self.display.apply(raw, photometric)
            if frame.shape != self.shape:
                raise FrameError(f"frame {index + 1} has another pixel format than the first")
        return frame


def _single_plane(pixels: Pixels) -> Pixels:
    """Grey stored as RGB becomes (H, W); real colour stays."""
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        return pixels[..., 0].copy()
    return pixels

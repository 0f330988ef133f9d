"""Opens damaged image files; run as a script in its own process by test_fuzz_open.py.

Usage: mutations.py ORIGINALS FIRST COUNT. Prints the number of every mutation before it is opened and ends with a line
``done OPENED REFUSED SECONDS PEAK``: the longest that one file took, and the most memory in MiB. Anything but a record or a
UserError, and a file that takes longer than MOST_SECONDS, ends the process with a traceback.
"""

from __future__ import annotations

import contextlib
import faulthandler
import random
import re
import struct
import sys
import tempfile
import time
import zlib
from pathlib import Path

MOST_SECONDS = 30
"""What one file may take, on a computer that does much else."""

VRS = b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
LONG_VRS = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}
RASTER = {".png", ".jpg", ".bmp", ".tif"}
ELEMENT = re.compile(rb"[\x02-\x60\xe0][\x00\x7f]..(?:" + b"|".join(VRS) + rb")", re.DOTALL)
"""An element in explicit VR little endian."""

HEADROOM = 1536 * 2**20
"""Address space granted on top of what the imports take."""


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A damaged copy: bytes changed (often near the start), cut, lengthened, or a stretch removed, doubled or zeroed."""
    if data[128:132] == b"DICM" and rng.random() < 0.5:
        return mutate_element(data, rng)
    damaged = bytearray(data)
    kind = rng.choice(["bytes", "bytes", "bytes", "cut", "extend", "remove", "double", "zero"])
    position = rng.randrange(len(damaged))
    length = min(rng.choice([1, 2, 4, 16, 128, 4096]), len(damaged) - position)
    if kind == "bytes":
        for _ in range(rng.choice([1, 1, 2, 4, 16])):
            near = rng.random() < 0.6
            at = rng.randrange(min(len(damaged), 1500) if near else len(damaged))
            damaged[at] = rng.choice([rng.randrange(256), 0, 255, damaged[at] ^ (1 << rng.randrange(8))])
    elif kind == "cut":
        del damaged[position:]
    elif kind == "extend":
        damaged += rng.randbytes(length)
    elif kind == "remove":
        del damaged[position : position + length]
    elif kind == "double":
        damaged[position:position] = damaged[position : position + length]
    else:
        damaged[position : position + length] = bytes(length)
    repair = data.startswith(b"\x89PNG") and rng.random() < 0.7
    return with_checksums(bytes(damaged)) if repair else bytes(damaged)


def mutate_element(data: bytes, rng: random.Random) -> bytes:
    """A DICOM file with up to three elements damaged: VR, length, tag, value, cut, doubled, moved, or junk before them."""
    damaged = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 3])):
        places = [found.start() for found in ELEMENT.finditer(damaged, 132, 200_000)]
        if not places:
            break
        at = rng.choice(places)
        long = bytes(damaged[at + 4 : at + 6]) in LONG_VRS
        where, size = (at + 8, 4) if long else (at + 6, 2)
        length = int.from_bytes(damaged[where : where + size], "little")
        end = min(where + size + (length if length < len(damaged) else 0), len(damaged))
        kind = rng.choice(["vr", "length", "length", "tag", "value", "cut", "double", "move", "junk", "charset"])
        if kind == "vr":
            damaged[at + 4 : at + 6] = rng.choice([*VRS, b"??", b"\0\0"])
        elif kind == "length":
            wrong = rng.choice(
                [0, 1, length + 1, max(length - 1, 0), 256**size - 1, 256**size - 2, 2**15, rng.getrandbits(8 * size)]
            )
            damaged[where : where + size] = (wrong % 256**size).to_bytes(size, "little")
        elif kind == "tag":
            damaged[at : at + 4] = rng.choice(
                [b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0", b"\xe0\x7f\x10\x00", rng.randbytes(4)]
            )
        elif kind == "value":
            damaged[where + size : end] = rng.randbytes(max(min(end - where - size, 4096), 0))
        elif kind == "cut":
            del damaged[at + rng.randrange(1, 12) :]
        elif kind == "double":
            damaged[at:at] = damaged[at:end]
        elif kind == "move":
            element = bytes(damaged[at:end])
            del damaged[at:end]
            damaged[132:132] = element
        elif kind == "junk":
            damaged[at:at] = (
                b"\x09\x00\x10\x10UN\0\0" + rng.choice([b"\xff\xff\xff\xff", b"\x10\0\0\0"]) + rng.randbytes(16)
            )
        else:
            damaged[at:at] = b"\x08\x00\x05\x00CS\x0e\x00" + rng.choice(
                [b"ISO 2022 IR 87", b"ISO_IR 9999\\\\x", b"\\" * 14]
            )
    return bytes(damaged)


def with_checksums(png: bytes) -> bytes:
    """The PNG with the checksum of every chunk made right, so that damage reaches the decoder."""
    fixed, position = bytearray(png), 8
    while position + 12 <= len(fixed):
        end = position + 8 + struct.unpack(">I", fixed[position : position + 4])[0]
        if end + 4 > len(fixed):
            break
        fixed[end : end + 4] = struct.pack(">I", zlib.crc32(fixed[position + 4 : end]))
        position = end + 4
    return bytes(fixed)


def bound_memory() -> None:
    """Limit the address space, where the platform can."""
    try:
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + HEADROOM, used + HEADROOM))
    except (ImportError, OSError):
        pass


def check(path: Path, sources: tuple) -> bool:
    """Open and decode up to 8 frames; whether the file opened. Raises AssertionError for a record that breaks its word."""
    from busi_viewer.core.errors import UserError
    from busi_viewer.workflow.open import open_image, thumbnail

    refusal = None
    if path.suffix not in RASTER:
        look_into(path)
    try:
        record = open_image(path, sources)
        thumbnail(record, 96)
        for index in range(min(len(record.frames), 8)):
            frame = record.frames[index]
            assert frame.shape in (record.shape, (*record.shape, 3))
            assert frame.dtype in ("uint8", "uint16")
            assert not frame.flags.writeable
        assert record.spacing_mm is None or min(record.spacing_mm) > 0
    except UserError as error:
        refusal = error
    assert refusal is None or (refusal.path == path and refusal.what and refusal.remedy)
    return refusal is None


def peak_memory() -> float:
    """The most memory this process has had, in MiB; 0 where the platform does not say."""
    try:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    except ImportError:
        return 0.0


def look_into(path: Path) -> None:
    """All else that is read of a DICOM file: names for lists, what it is, what a DICOMDIR lists."""
    from busi_viewer.core.errors import UnreadableImage
    from busi_viewer.dicom.directory import read_directory
    from busi_viewer.dicom.info import describe
    from busi_viewer.dicom.labels import read_labels

    read_labels(path)
    read_directory(path)
    with contextlib.suppress(UnreadableImage):
        describe(path)


def main(originals: Path, first: int, count: int) -> None:
    """Open ``count`` mutations, from number ``first`` on."""
    from busi_viewer.dicom.source import DicomSource
    from busi_viewer.raster.source import RasterSource

    sources = (RasterSource(), DicomSource())
    files = sorted(originals.iterdir())
    bound_memory()
    opened, slowest = 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            rng = random.Random(number)
            original = files[number % len(files)]
            path = Path(folder) / original.name
            path.write_bytes(mutate(original.read_bytes(), rng))
            sys.stdout.write(f"{number} {original.name}\n")
            sys.stdout.flush()
            began = time.perf_counter()
            faulthandler.dump_traceback_later(MOST_SECONDS, exit=True)
            opened += check(path, sources)
            faulthandler.cancel_dump_traceback_later()
            slowest = max(slowest, time.perf_counter() - began)
    sys.stdout.write(f"done {opened} {count - opened} {slowest:.1f} {peak_memory():.0f}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

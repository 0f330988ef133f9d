"""Opens damaged image files; run as a script in its own process by test_fuzz_open.py.

Usage: mutations.py ORIGINALS FIRST COUNT. Prints the number of every mutation before it is opened and ends with a line
``done OPENED REFUSED``. Anything but a record or a UserError ends the process with a traceback.
"""

from __future__ import annotations

import random
import struct
import sys
import tempfile
import zlib
from pathlib import Path

HEADROOM = 1536 * 2**20
"""Address space granted on top of what the imports take."""


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A damaged copy: bytes changed (often near the start), cut, lengthened, or a stretch removed, doubled or zeroed."""
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


def main(originals: Path, first: int, count: int) -> None:
    """Open ``count`` mutations, from number ``first`` on."""
    from busi_viewer.dicom.source import DicomSource
    from busi_viewer.raster.source import RasterSource

    sources = (RasterSource(), DicomSource())
    files = sorted(originals.iterdir())
    bound_memory()
    opened = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            rng = random.Random(number)
            original = files[number % len(files)]
            path = Path(folder) / original.name
            path.write_bytes(mutate(original.read_bytes(), rng))
            sys.stdout.write(f"{number} {original.name}\n")
            sys.stdout.flush()
            opened += check(path, sources)
    sys.stdout.write(f"done {opened} {count - opened}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

"""Rebuild Qt's copy of ICU's data (Linux) without what Qt never asks it for: 32 MB become a fifth.

    python packaging/icu.py FOLDER

Qt asks ICU to sort by a language's rules, to change case, to name time zones and to read other encodings than its own (the
undefined ``_73`` names of libQt6Core). What stays: every language's sorting, and of each other table the root and the languages
of the window. What goes: other languages' names of countries, currencies, units and zones, dictionaries of words,
transliteration, numbers in words, and tables of encodings (UTF-8, UTF-16 and Latin-1 are in ICU's code). ICU takes its root
where a language is not there. Without a compiler nothing is done: the folder is larger, and works.
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

LANGUAGES = "de|en"
DROPPED = re.compile(
    r"^[^/]+/(?:(?:brkitr|translit|rbnf)/"
    r"|.*\.cnv$"
    rf"|(?!coll/)(?:\w+/)?(?!(?:{LANGUAGES})(?:_\w+)?\.res$)[a-z]{{2,3}}(?:_\w+)?\.res$)"
)
"""Names in the package, such as ``icudt73l/lang/fr_CA.res``; only a language's name has two or three letters."""

_MAGIC = b"CmnD"


def kept(package: bytes) -> bytes:
    """ICU's package of named items without those DROPPED: header, number, table of (name, item) offsets, names, items."""
    (start,) = struct.unpack_from("<H", package)
    (count,) = struct.unpack_from("<I", package, start)
    table = [struct.unpack_from("<II", package, start + 4 + 8 * index) for index in range(count)]
    ends = [offset for _, offset in table[1:]] + [len(package) - start]
    items = []
    for (name, offset), end in zip(table, ends, strict=True):
        words = package[start + name : package.index(b"\0", start + name)]
        if not DROPPED.match(words.decode("ascii")):
            items.append((words, package[start + offset : start + end]))
    names = b"".join(name + b"\0" for name, _ in items)
    first = 4 + 8 * len(items)
    place = -(-(first + len(names)) // 16) * 16
    out, at, body = [struct.pack("<I", len(items))], first, []
    for name, item in items:
        padded = item + b"\0" * (-len(item) % 16)
        out.append(struct.pack("<II", at, place))
        body.append(padded)
        at += len(name) + 1
        place += len(padded)
    head = b"".join(out) + names
    return package[:start] + head + b"\0" * (-len(head) % 16) + b"".join(body)


def rebuild(library: Path) -> None:
    """Replace the library by one of the same name with the rest of its data."""
    whole = library.read_bytes()
    symbol = re.search(rb"icudt\d+_dat", whole)
    start = whole.find(_MAGIC) - 12
    if symbol is None or start < 0:
        raise SystemExit(f"{library} is not ICU's data as we know it")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # the library's last sections, a few hundred bytes, come along with the last item
        (folder / "data").write_bytes(kept(whole[start:]))
        words = symbol.group().decode("ascii")
        (folder / "data.s").write_text(
            f'.section .note.GNU-stack,"",@progbits\n.section .rodata\n.balign 16\n.globl {words}\n.type {words}, @object\n'
            f'{words}: .incbin "{folder / "data"}"\n.size {words}, . - {words}\n'
        )
        made = folder / library.name
        subprocess.run(
            ["cc", "-shared", "-nostdlib", f"-Wl,-soname,{library.name}", "-o", made, folder / "data.s"], check=True
        )
        shutil.copyfile(made, library)


def main() -> None:
    """Do it in the frozen folder that the command line names."""
    if shutil.which("cc"):
        for library in Path(sys.argv[1], "_internal", "PySide6", "Qt", "lib").glob("libicudata.so.*"):
            rebuild(library)


if __name__ == "__main__":
    main()

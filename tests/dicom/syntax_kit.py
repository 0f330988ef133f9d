"""Every transfer syntax × photometric interpretation × pixel type: files and pictures by other programs.

dcmtk writes and shows uncompressed, deflated, RLE, JPEG and JPEG-LS files; OpenJPEG's programs JPEG 2000; OpenJPH's HTJ2K.
"""

import re
import subprocess
from dataclasses import dataclass

import numpy as np
from dicom_files import ultrasound, write
from dicom_peers import tool
from PIL import Image
from pydicom import dcmread, uid
from pydicom.encaps import generate_frames

HEIGHT, WIDTH = 40, 48
DCMTK = {
    "Implicit VR little endian": ("dcmconv", "+ti"),
    "Explicit VR little endian": ("dcmconv", "+te"),
    "Explicit VR big endian": ("dcmconv", "+tb"),
    "Deflated": ("dcmconv", "+td"),
    "RLE": ("dcmcrle",),
    "JPEG baseline": ("dcmcjpeg", "+eb"),
    "JPEG extended": ("dcmcjpeg", "+ee"),
    "JPEG lossless (14)": ("dcmcjpeg", "+el"),
    "JPEG lossless (SV1)": ("dcmcjpeg", "+e1"),
    "JPEG-LS lossless": ("dcmcjpls", "+el"),
    "JPEG-LS near-lossless": ("dcmcjpls", "+en"),
}
JPEG2000 = {
    "JPEG 2000 lossless": (uid.JPEG2000Lossless, "opj_compress"),
    "JPEG 2000": (uid.JPEG2000, "opj_compress", "-I", "-r", "4"),
    "HTJ2K lossless": (uid.HTJ2KLossless, "ojph_compress", "-reversible", "true", "-prog_order", "LRCP"),
    "HTJ2K lossless RPCL": (uid.HTJ2KLosslessRPCL, "ojph_compress", "-reversible", "true", "-prog_order", "RPCL"),
    "HTJ2K": (uid.HTJ2K, "ojph_compress", "-reversible", "false", "-qstep", "0.002"),
}
LOSSY = {"JPEG baseline", "JPEG extended", "JPEG-LS near-lossless", "JPEG 2000", "HTJ2K"}


@dataclass(frozen=True)
class Case:
    """One cell of the table: ``kind`` is photometric interpretation and pixel type; ``options`` go to the encoder."""

    syntax: str
    kind: str
    options: tuple[str, ...] = ()
    photometric: str = ""

    @property
    def exact(self):
        """Whether the stored values themselves can be seen."""
        return (
            self.syntax not in LOSSY
            and self.kind.startswith(("MONO", "RGB"))
            and not self.photometric.startswith("YBR_F")
        )

    def __str__(self):
        return " ".join((self.syntax, self.photometric or self.kind, *self.options)).replace("/", "-")


def scene(kind):
    """(H, W) or (H, W, 3) stored values of smooth ramps, which lossy compression and subsampling leave nearly alone."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / [[[HEIGHT - 1]], [[WIDTH - 1]]]
    if kind.startswith(("RGB", "YBR")):
        top = 65535 if "16 bit" in kind else 255
        ramps = np.stack([x, y, 1 - (x + y) / 2], axis=-1) * 0.8 + 0.1
        if kind.startswith("YBR"):
            ramps = np.stack([0.3 + 0.4 * x, 0.35 + 0.3 * y, 0.65 - 0.3 * x], axis=-1)
        if "422" in kind:
            ramps[:, 1::2, 1:] = ramps[:, ::2, 1:]
        return np.rint(ramps * top).astype(np.uint16 if top > 255 else np.uint8)
    bits = 12 if "12 bit" in kind else 16 if "16 bit" in kind else 8
    values = np.rint((x + y) / 2 * (2**bits - 1)).astype(np.int64)
    if "signed" in kind:
        return (values - 2 ** (bits - 1)).astype(np.int16)
    return values.astype(np.uint8 if bits == 8 else np.uint16)


def native(path, kind):
    """The file before it is compressed: explicit VR little endian."""
    pixels = scene(kind)
    elements = {"PhotometricInterpretation": kind.split(",")[0]}
    if "12 bit" in kind:
        elements |= {"BitsStored": 12, "HighBit": 11}
    if kind.startswith("PALETTE"):
        elements |= palette(kind)
    ds = ultrasound(pixels, **elements)
    if "by plane" in kind:
        ds.PlanarConfiguration = 1
        ds.PixelData = np.moveaxis(pixels, -1, 0).tobytes()
    if "422" in kind:
        ds.PixelData = np.stack(
            [pixels[:, ::2, 0], pixels[:, 1::2, 0], pixels[:, ::2, 1], pixels[:, ::2, 2]], -1
        ).tobytes()
    return write(path, ds)


def palette(kind):
    """The elements of a palette: 256 entries (4,096 for indices of 16 bits) of 16 or, if the kind says so, 8 bits."""
    count = 4096 if "16 bit" in kind else 256
    ramp = np.linspace(0, 1, count)
    depth = 8 if "8-bit entries" in kind else 16
    elements = {}
    for name, curve in zip(("Red", "Green", "Blue"), (ramp, 1 - ramp, np.abs(2 * ramp - 1)), strict=True):
        entries = np.rint(curve * (2**depth - 1)).astype("<u2" if depth == 16 else "u1")
        elements[f"{name}PaletteColorLookupTableDescriptor"] = [count, 0, depth]
        elements[f"{name}PaletteColorLookupTableData"] = entries.tobytes()
    return elements


def encoded(case, folder):
    """The case's file."""
    plain, path = native(folder / "plain.dcm", case.kind), folder / "image.dcm"
    if case.syntax in DCMTK:
        program, *options = DCMTK[case.syntax]
        _run(tool(program), *options, *case.options, str(plain), str(path))
        return path
    syntax, program, *options = JPEG2000[case.syntax]
    pixels = scene(case.kind)
    picture, stream = folder / f"picture.{'ppm' if pixels.ndim == 3 else 'pgm'}", folder / "picture.j2c"
    maximum = 4095 if "12 bit" in case.kind else 65535 if "16 bit" in case.kind else 255
    head = f"P{6 if pixels.ndim == 3 else 5}\n{WIDTH} {HEIGHT}\n{maximum}\n".encode()
    picture.write_bytes(head + pixels.astype(">u2" if maximum > 255 else "u1").tobytes())
    _run(tool(program), "-i", str(picture), "-o", str(stream), *options, *case.options)
    ds = dcmread(plain)
    ds.PhotometricInterpretation = case.photometric or ds.PhotometricInterpretation
    if pixels.ndim == 3:
        ds.PlanarConfiguration = 0
    return write(path, ds, syntax, frames=[stream.read_bytes()])


def picture(case, path, folder):
    """What the independent decoder shows: (H, W) uint8 or uint16 over the whole range of bits, or (H, W, 3) uint8."""
    if case.syntax in DCMTK:
        program = "dcml2pnm" if case.syntax.startswith("JPEG-LS") else "dcmj2pnm"
        deep = case.kind.startswith("MONO") and "8 bit" not in case.kind
        _run(tool(program), "-W", "+on2" if deep else "+on", str(path), str(folder / "shown.png"))
        shown = np.asarray(Image.open(folder / "shown.png"))
        return np.rint(shown / 65535 * 4095).astype(np.uint16) if "12 bit" in case.kind else shown
    colour = scene(case.kind).ndim == 3
    stream, shown = folder / "frame.j2c", folder / f"shown.{'ppm' if colour else 'pgm'}"
    stream.write_bytes(next(generate_frames(dcmread(path).PixelData, number_of_frames=1)))
    program = "opj_decompress" if case.syntax.startswith("JPEG") else "ojph_expand"
    _run(tool(program), "-i", str(stream), "-o", str(shown))
    values = _netpbm(shown.read_bytes())
    if case.kind.startswith("PALETTE"):
        entries = [data for keyword, data in palette(case.kind).items() if keyword.endswith("Data")]
        return np.stack([np.frombuffer(data, "<u2")[values] >> 8 for data in entries], axis=-1)
    if case.photometric.startswith("YBR_FULL"):
        return rgb(values)
    if case.kind.startswith("MONOCHROME1"):
        return scene(case.kind).max() - values
    return values


def rgb(ybr):
    """PS3.3 C.7.6.3.1.2, in floating point: full-range YCbCr to RGB."""
    y, cb, cr = np.moveaxis(ybr.astype(float), -1, 0)
    cb, cr = cb - 128, cr - 128
    red, green, blue = y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb
    return np.clip(np.rint(np.stack([red, green, blue], -1)), 0, 255).astype(np.uint8)


def _netpbm(data):
    """A binary PGM or PPM as an array."""
    head = re.match(rb"P([56])\s(?:#.*\n)*\s*(\d+)\s+(\d+)\s+(\d+)\s", data)
    colour, width, height, maximum = (int(word) for word in head.groups())
    shape, dtype = (height, width, 3)[: colour - 3], ">u2" if maximum > 255 else "u1"
    return np.frombuffer(data[head.end() :], dtype).reshape(shape).astype(dtype[-2:])


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout} {done.stderr}"


GREY = ("MONOCHROME2, 8 bit", "MONOCHROME1, 8 bit")
DEEP = ("MONOCHROME2, 12 bit", "MONOCHROME2, 16 bit", "MONOCHROME1, 12 bit")
SIGNED = ("MONOCHROME2, 16 bit signed",)
PALETTES = ("PALETTE COLOR, 8 bit", "PALETTE COLOR, 8 bit, 8-bit entries")
DEEP_PALETTE = "PALETTE COLOR, 16 bit"
COLOUR = ("RGB, 8 bit by pixel", "RGB, 8 bit by plane")
YBR = ("YBR_FULL, 8 bit by pixel", "YBR_FULL, 8 bit by plane")
NATIVE = (
    *(*GREY, *DEEP, *SIGNED, *PALETTES, DEEP_PALETTE, *COLOUR, "RGB, 16 bit by pixel", *YBR),
    *("YBR_FULL_422, 8 bit", "YBR_PARTIAL_422, 8 bit"),
)


def cases():
    """Every cell that can occur."""
    found = [Case(syntax, kind) for syntax in list(DCMTK)[:4] for kind in NATIVE]
    found += [
        Case("RLE", kind)
        for kind in (*GREY, *DEEP, *SIGNED, *PALETTES, *COLOUR, "RGB, 16 bit by pixel", *YBR, DEEP_PALETTE)
    ]
    found += [Case("JPEG baseline", kind) for kind in GREY]
    found += [
        Case("JPEG baseline", "RGB, 8 bit by pixel", ("+cy", "+s2"), "YBR_FULL_422"),
        Case("JPEG baseline", "RGB, 8 bit by pixel", ("+cy", "+s4"), "YBR_FULL"),
        Case("JPEG baseline", "RGB, 8 bit by pixel", ("+cr",), "RGB"),
    ]
    found += [Case("JPEG extended", kind) for kind in (*GREY, "MONOCHROME2, 12 bit", "MONOCHROME1, 12 bit")]
    found += [Case("JPEG extended", "RGB, 8 bit by pixel", ("+cy", "+s2"), "YBR_FULL_422")]
    for syntax in ("JPEG lossless (14)", "JPEG lossless (SV1)"):
        found += [Case(syntax, kind) for kind in (*GREY, *DEEP, *SIGNED, *PALETTES, *COLOUR, YBR[0])]
        found += [Case(syntax, kind) for kind in ("RGB, 16 bit by pixel", DEEP_PALETTE)]
    found += [Case("JPEG lossless (14)", GREY[0], ("+sv", str(number))) for number in range(2, 8)]
    found += [Case("JPEG lossless (14)", DEEP[0], ("+sv", str(number))) for number in range(2, 8)]
    for syntax in ("JPEG-LS lossless", "JPEG-LS near-lossless"):
        found += [Case(syntax, kind) for kind in (*GREY, *DEEP)]
        found += [Case(syntax, COLOUR[0], (mode,)) for mode in ("+il", "+is", "+in")]
    found += [
        Case("JPEG-LS lossless", kind) for kind in (*PALETTES, DEEP_PALETTE, *SIGNED, COLOUR[1], "RGB, 16 bit by pixel")
    ]
    for syntax, (_, program, *_rest) in JPEG2000.items():
        found += [Case(syntax, kind) for kind in (*GREY, *DEEP)]
        found += [Case(syntax, PALETTES[0])] if "lossless" in syntax else []
        transform = "YBR_RCT" if "lossless" in syntax else "YBR_ICT"
        off = ("-mct", "0") if program == "opj_compress" else ("-colour_trans", "false")
        found += [
            Case(syntax, COLOUR[0], (), transform),
            Case(syntax, COLOUR[0], (), "RGB"),
            Case(syntax, COLOUR[0], off, "RGB"),
            Case(syntax, YBR[0], off, "YBR_FULL"),
        ]
    return found


def table():
    """What is tested, as Markdown: a row for each photometric interpretation and pixel type."""
    rows: dict[str, dict[str, None]] = {}
    for case in cases():
        head, *rest = case.kind.split(", ")
        kind = ", ".join([case.photometric or head, *rest])
        rows.setdefault(kind, {})[case.syntax] = None
    lines = ["| photometric interpretation, pixels | transfer syntaxes |", "|---|---|"]
    lines += [f"| {kind} | {_listed(list(syntaxes))} |" for kind, syntaxes in sorted(rows.items())]
    return "\n".join(lines) + "\n"


def _listed(syntaxes):
    uncompressed = list(DCMTK)[:4]
    if syntaxes[:4] == uncompressed:
        syntaxes = ["uncompressed", *syntaxes[4:]]
    return ", ".join(syntaxes)

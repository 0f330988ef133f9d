"""The DICOM source: tells DICOM files by their first bytes. pydicom is imported when the first one is opened."""

from __future__ import annotations

from pathlib import Path

from busi_viewer.core.image import ImageRecord

_VRS = b"AE AS AT CS DA DS DT FD FL IS LO LT OB OW PN SH SL SQ SS ST TM UI UL UN US UT".split()


class DicomSource:
    """Reads DICOM images, with or without preamble. Implements :class:`~busi_viewer.core.ports.ImageSource`."""

    def claims(self, path: Path, head: bytes) -> bool:
        """Whether the first bytes are those of a DICOM file."""
        return looks_like_dicom(head)

    def open(self, path: Path) -> ImageRecord:
        """Open a file without decoding more than its first frame.

        Raises UnreadableImage for files without pixels, damaged, truncated, encrypted or compressed in an unsupported way;
        TooLarge before decoding more than fits.
        """
        from busi_viewer.dicom.reader import read

        return read(Path(path))


def looks_like_dicom(head: bytes) -> bool:
    """Whether a file starts as DICOM does: ``DICM`` after the preamble, or at once with an element of group 2 or 8."""
    if head[128:132] == b"DICM":
        return True
    if len(head) < 16 or head[0:2] not in (b"\x08\x00", b"\x02\x00", b"\x00\x08"):
        return False
    if head[4:6] in _VRS:
        return True
    return head[0] != 0 and head[3] == 0 and int.from_bytes(head[4:8], "little") <= 256

"""What goes out to other systems, as bytes of DICOM files."""

from __future__ import annotations

from pydicom.uid import RLELossless

from busi_viewer.core.derived import Derived
from busi_viewer.core.errors import OutputError
from busi_viewer.core.image import ImageRecord
from busi_viewer.dicom import capture
from busi_viewer.dicom.encapsulated import encapsulated_pdf
from busi_viewer.dicom.envelope import encode
from busi_viewer.dicom.heat_capture import heatmap_capture
from busi_viewer.dicom.origin import find_origin
from busi_viewer.dicom.presentation import presentation_state
from busi_viewer.dicom.segmentation import segmentation
from busi_viewer.dicom.structured_report import structured_report


class DicomObjects:
    """Makes DICOM objects about an image. Implements :class:`~busi_viewer.core.ports.DicomMaker`.

    All refer to the image; where that is no DICOM file, to the object that :meth:`image` makes of it.
    """

    def image(self, record: ImageRecord) -> bytes:
        """A picture that is not DICOM as Secondary Capture; the same for the same file. Raises OutputError for DICOM."""
        if record.kind == "dicom":
            raise OutputError("the image is DICOM already", path=record.path, remedy="Use the file itself.")
        return encode(capture.secondary_capture(record))

    def segmentation(self, derived: Derived) -> bytes:
        """The outlines as Segmentation."""
        return encode(segmentation(find_origin(derived.record), derived))

    def structured_report(self, derived: Derived) -> bytes:
        """Measurements, words and estimates as Comprehensive SR."""
        return encode(structured_report(find_origin(derived.record), derived))

    def heatmap(self, derived: Derived) -> bytes:
        """The heatmaps as Secondary Capture."""
        ds, packed = heatmap_capture(find_origin(derived.record), derived)
        return encode(ds, RLELossless) if packed else encode(ds)

    def presentation(self, derived: Derived) -> bytes:
        """Outlines and callipers as presentation state."""
        return encode(presentation_state(find_origin(derived.record), derived))

    def pdf(self, derived: Derived, document: bytes) -> bytes:
        """The PDF report, encapsulated."""
        return encode(encapsulated_pdf(find_origin(derived.record), derived, document))

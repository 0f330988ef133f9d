"""The PDF report as an Encapsulated PDF object (PS3.3 A.45.1)."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EncapsulatedPDFStorage

from busi_viewer.core.derived import Derived
from busi_viewer.core.errors import OutputError
from busi_viewer.dicom import codes
from busi_viewer.dicom.envelope import Series, begin
from busi_viewer.dicom.naming import date, time
from busi_viewer.dicom.origin import Origin

SERIES = Series("pdf", EncapsulatedPDFStorage, 9105, "DOC", "PDF report, research use only")
TITLE = "Breast ultrasound image report. Research use only."


def encapsulated_pdf(origin: Origin, derived: Derived, pdf: bytes) -> Dataset:
    """The object around the PDF's bytes. Raises OutputError if they are none of a PDF."""
    if not pdf.startswith(b"%PDF-"):
        raise OutputError("the report is no PDF", path=derived.record.path)
    ds = begin(SERIES, origin, derived)
    ds.ConversionType = "WSD"
    ds.AcquisitionDateTime = date(derived.when) + time(derived.when)
    ds.BurnedInAnnotation = "YES"  # the report names the patient
    ds.SourceInstanceSequence = Sequence([origin.reference()])
    ds.DocumentTitle = TITLE
    ds.ConceptNameCodeSequence = Sequence([codes.REPORT])
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    ds.EncapsulatedDocumentLength = len(pdf)
    ds.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return ds

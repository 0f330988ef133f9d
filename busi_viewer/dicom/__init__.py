"""DICOM files in."""

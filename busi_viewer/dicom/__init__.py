"""DICOM files: reading pixels and calibration. The only room that imports pydicom, and only once a file is opened."""

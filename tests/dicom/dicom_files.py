"""Small DICOM files made to measure."""

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, UltrasoundImageStorage


def ultrasound(pixels, **elements):
    """An ultrasound data set around an array: (H, W), (N, H, W) grey or (H, W, 3), (N, H, W, 3) colour; bytes are kept."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = UltrasoundImageStorage, "1.2.3.4"
    ds.Modality = "US"
    if isinstance(pixels, np.ndarray):
        colour = pixels.ndim >= 3 and pixels.shape[-1] == 3
        if pixels.ndim == (4 if colour else 3):
            ds.NumberOfFrames = len(pixels)
        ds.Rows, ds.Columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
        ds.SamplesPerPixel = 3 if colour else 1
        ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
        if colour:
            ds.PlanarConfiguration = 0
        ds.BitsAllocated = ds.BitsStored = 8 * pixels.dtype.itemsize
        ds.HighBit = ds.BitsStored - 1
        ds.PixelRepresentation = int(pixels.dtype.kind == "i")
        pixels = pixels.tobytes()
    ds.PixelData = pixels + b"\0" * (len(pixels) % 2)
    ds["PixelData"].VR = "OB" if ds.get("BitsAllocated", 8) == 8 else "OW"
    for keyword, value in elements.items():
        if value is None:
            del ds[keyword]
        else:
            setattr(ds, keyword, value)
    return ds


def write(path, ds, syntax=ExplicitVRLittleEndian, frames=None):
    """Write a data set; ``frames`` are compressed frames that replace its pixels."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.get("SOPClassUID", "1.2"), "1.2.3.4"
    if frames is not None:
        ds.PixelData = encapsulate(frames)
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
    encoding = {"is_implicit_VR": syntax == ImplicitVRLittleEndian, "is_little_endian": syntax != ExplicitVRBigEndian}
    FileDataset(path, ds, file_meta=meta, preamble=bytes(128), **encoding).save_as(path, enforce_file_format=True)
    return path

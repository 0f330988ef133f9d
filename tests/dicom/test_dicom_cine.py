"""Long cines: opened without decoding, every frame found at random, in every way frames can be laid out."""

import io
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dicom_files import ultrasound, write
from openjpeg.utils import encode_array
from PIL import Image
from pydicom import uid
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames

from busi_viewer.dicom.source import DicomSource

FRAMES = 500
ROOT = Path(__file__).parents[2]
RUN = """
import json, resource, sys, time
from pathlib import Path
import numpy, cv2
from busi_viewer.dicom import reader
path = Path(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
took = []
for _ in range(3):
    began = time.process_time()
    record = reader.read(path)
    record.frames[len(record.frames) // 2]
    took.append(time.process_time() - began)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([len(record.frames), min(took), (after - before) / 1024]))
"""


def pictures(shape):
    """Ten frames, each of its own brightness."""
    ramp = np.add.outer(np.arange(shape[0]), np.arange(shape[1])) % 100
    return [(ramp + 15 * number).astype(np.uint8) for number in range(10)]


def jpeg(frame):
    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, format="JPEG", quality=95)
    return stream.getvalue()


def rle(frame):
    ds = ultrasound(frame)
    ds.file_meta = FileMetaDataset()
    ds.compress(uid.RLELossless, frame, generate_instance_uid=False)
    return next(generate_frames(ds.PixelData, number_of_frames=1))


ENCODERS = {
    uid.RLELossless: rle,
    uid.JPEGBaseline8Bit: jpeg,
    uid.JPEG2000Lossless: encode_array,
}


def long_cine(path, syntax, shape=(96, 128), *, table="basic", fragments=1):
    """A cine of FRAMES frames that repeat ten pictures; ``table`` is basic, extended or empty."""
    shown = pictures(shape)
    ds = ultrasound(shown[0], NumberOfFrames=FRAMES, SOPClassUID=uid.UltrasoundMultiFrameImageStorage, FrameTime=20)
    if syntax not in ENCODERS:
        ds.PixelData = b"".join(shown[index % 10].tobytes() for index in range(FRAMES))
        return write(path, ds, syntax)
    ten = [ENCODERS[syntax](frame) for frame in shown]
    frames = [ten[index % 10] for index in range(FRAMES)]
    if table == "extended":
        body, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(frames)
    else:
        body = encapsulate(frames, fragments_per_frame=fragments, has_bot=table == "basic")
    ds.PixelData = body
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return write(path, ds, syntax)


LAYOUTS = [
    *(
        (syntax, "native", 1)
        for syntax in (uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian)
    ),
    *((syntax, table, 1) for syntax in ENCODERS for table in ("basic", "extended", "empty")),
    *((syntax, table, 3) for syntax in (uid.JPEGBaseline8Bit, uid.JPEG2000Lossless) for table in ("basic", "empty")),
    (uid.RLELossless, "basic", 2),
]


@pytest.mark.parametrize(
    ("syntax", "table", "fragments"), LAYOUTS, ids=lambda value: getattr(value, "keyword", str(value))
)
def test_every_frame_is_found_at_random(tmp_path, syntax, table, fragments):
    record = DicomSource().open(long_cine(tmp_path / "a", syntax, table=table, fragments=fragments))
    assert len(record.frames) == FRAMES
    assert record.warnings == ()
    assert record.frame_rate == 50
    shown = pictures((96, 128))
    for index in [FRAMES - 1, 0, *random.Random(5).sample(range(FRAMES), 20)]:
        difference = np.abs(record.frames[index].astype(int) - shown[index % 10])
        assert difference.mean() < (3 if syntax == uid.JPEGBaseline8Bit else 1e-9), index


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.JPEGBaseline8Bit, uid.JPEG2000Lossless])
def test_a_long_cine_opens_at_once_and_in_little_memory(tmp_path, syntax):
    """500 frames of 640 × 480: half a second of a processor's time, and far less memory than the 146 MiB of its frames."""
    path = long_cine(tmp_path / "a", syntax, (480, 640))
    done = subprocess.run([sys.executable, "-c", RUN, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    count, seconds, mebibytes = json.loads(done.stdout)
    assert count == FRAMES
    assert seconds <= 0.5
    assert mebibytes < 100


def test_an_offset_table_that_lies_is_not_followed(tmp_path):
    path = long_cine(tmp_path / "a", uid.JPEGBaseline8Bit, table="basic", fragments=2)
    data = bytearray(path.read_bytes())
    at = data.index(b"\xfe\xff\x00\xe0") + 8
    data[at + 4 : at + 8] = (12345).to_bytes(4, "little")
    path.write_bytes(data)
    record = DicomSource().open(path)
    assert len(record.frames) == FRAMES
    assert np.abs(record.frames[123].astype(int) - pictures((96, 128))[3]).mean() < 3

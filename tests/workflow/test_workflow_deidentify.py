"""A folder becomes a de-identified folder, whole or not at all, with a report that names nobody."""

import json
import stat
from pathlib import Path

import pydicom
import pytest
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

from busi_viewer.bootstrap import services
from busi_viewer.core.deidentify import DeidentifyOptions
from busi_viewer.core.errors import OutputError
from busi_viewer.workflow.deidentify import REPORT, deidentify, kept_secret

NAME = "Quaxelbrook"
SECRET = b"x" * 32


def report(path, number, study="1.2.3"):
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = uid.ComprehensiveSRStorage, f"{study}.{number}", "SR"
    ds.PatientName, ds.PatientID, ds.StudyInstanceUID = f"{NAME}^Z", "P1234567", study
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path


def run(tmp_path, *paths, out="out", **options):
    return deidentify(services(), paths, tmp_path / out, DeidentifyOptions(**options), lambda *_: None, secret=SECRET)


def test_a_folder_becomes_a_folder_with_a_report(tmp_path):
    source = tmp_path / NAME
    report(source / NAME / "1.dcm", 1)
    report(source / "2", 2)
    (source / "notes.txt").write_text(NAME)
    (source / "broken.dcm").write_bytes(bytes(128) + b"DICM" + b"\x08\x00\x16\x00UI\xff\xff" + NAME.encode())
    study = run(tmp_path, source)
    out = tmp_path / "out"
    assert (len(study.done), len(study.left_out), study.other_files) == (2, 1, 1)
    written = json.loads((out / REPORT).read_text())
    assert [one["name"] for one in written["objects"]] == sorted(
        [path.relative_to(out).as_posix() for path in out.rglob("*.dcm")],
        key=[one["name"] for one in written["objects"]].index,
    )
    assert sum(written["left_out"].values()) == 1
    for path in [*out.rglob("*")]:
        assert NAME.lower() not in str(path.relative_to(out)).lower()
        assert path.is_dir() or NAME.lower().encode() not in path.read_bytes().lower()
    assert len({pydicom.dcmread(path).StudyInstanceUID for path in out.rglob("*.dcm")}) == 1
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_nothing_is_written_where_nothing_could_be_done(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("a")
    study = run(tmp_path, tmp_path / "in", tmp_path / "missing.dcm")
    assert (study.other_files, len(study.left_out)) == (1, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_folder_with_something_in_it_is_not_touched(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("a")
    with pytest.raises(OutputError, match="not empty"):
        run(tmp_path, report(tmp_path / "1.dcm", 1))


def test_stopping_leaves_nothing(tmp_path):
    def stop(stage, share):
        raise KeyboardInterrupt

    class Stops:
        def claims(self, path, head):
            return True

        def deidentify(self, path, folder, progress, cancel):
            (folder / "half").write_text("half")
            progress("x", 0.5)

    from dataclasses import replace

    wired = replace(services(), deidentifier=lambda *_: Stops())
    with pytest.raises(KeyboardInterrupt):
        deidentify(wired, [report(tmp_path / "1.dcm", 1)], tmp_path / "out", DeidentifyOptions(), stop, secret=SECRET)
    assert [path.name for path in tmp_path.iterdir()] == ["1.dcm"]


def test_the_secret_is_kept_for_the_user_alone(tmp_path):
    path = tmp_path / "a" / "key"
    first = kept_secret(path)
    assert (len(first), kept_secret(path)) == (32, first)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(Path(tmp_path / "a").iterdir()) == [path]
    path.write_bytes(b"short")
    with pytest.raises(OutputError, match="damaged"):
        kept_secret(path)

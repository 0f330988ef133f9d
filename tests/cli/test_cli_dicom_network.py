"""``busi-viewer dicom deidentify|echo|find|send|receive``."""

import json
import os
import re
import subprocess
import sys

import pytest
from dicom_peers import free_port, instances, orthanc, small_object, storescp, tool

from busi_viewer import bootstrap


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("BUSI_VIEWER_HOME", str(tmp_path / "home"))


def test_echo_find_and_send_with_orthanc(tmp_path, capsys):
    with orthanc(tmp_path / "orthanc") as pacs:
        peer = f"ORTHANC@127.0.0.1:{pacs.port}"
        assert bootstrap.main(["dicom", "echo", peer]) == 0
        folder = tmp_path / "files"
        folder.mkdir()
        for number in (1, 2):
            small_object(folder / f"{number}.dcm", number)
        assert bootstrap.main(["dicom", "send", str(folder), "--to", peer]) == 0
        out = tmp_path / "found.json"
        assert bootstrap.main(["dicom", "find", peer, "PatientID=P1", "--json", str(out)]) == 0
        assert [one["PatientID"] for one in json.loads(out.read_text())["found"]] == ["P1"]
        keys = ["StudyInstanceUID=1.2.826.0.2", "SeriesInstanceUID=1.2.826.0.3"]
        capsys.readouterr()
        assert bootstrap.main(["dicom", "find", peer, *keys, "--level", "image"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 2
        assert bootstrap.main(["dicom", "find", peer, "Nonsense=1"]) == 2


def test_folders_and_a_dicomdir_are_sent_as_the_objects_in_them(tmp_path):
    """Our own results go too; the directory itself and what is no DICOM stay."""
    folder = tmp_path / "files"
    (folder / "DEEP").mkdir(parents=True)
    for number, name in enumerate(("DEEP/00000001", "image.dcm", "image.sr.dcm"), 1):
        small_object(folder / name, number)
    small_object(folder / "DICOMDIR", 9)
    (folder / "image.png").write_bytes(b"\x89PNG")
    for named in (folder, folder / "DICOMDIR"):
        with storescp(tmp_path / f"in {named.name}") as port:
            assert bootstrap.main(["dicom", "send", str(named), "--to", f"STORESCP@127.0.0.1:{port}"]) == 0
        assert instances(tmp_path / f"in {named.name}") == [f"1.2.826.0.1.{number}" for number in (1, 2, 3)]


def test_what_cannot_be_sent_stays_in_the_queue_for_the_next_run(tmp_path, capsys):
    port = free_port()
    path = small_object(tmp_path / "a.dcm", 7)
    words = ["dicom", "send", str(path), "--to", f"STORESCP@127.0.0.1:{port}", "--wait", "0"]
    assert bootstrap.main(words) == 1
    assert "cannot be reached" in capsys.readouterr().err
    with storescp(tmp_path / "in", port=port):
        assert bootstrap.main(["dicom", "send"]) == 0
    assert instances(tmp_path / "in") == ["1.2.826.0.1.7"]


def test_receive_until_enough_has_come(tmp_path):
    command = [sys.executable, "-m", "busi_viewer", "dicom", "receive", "-o", str(tmp_path / "in")]
    path = small_object(tmp_path / "a.dcm", 3)
    storescu = tool("storescu")
    with subprocess.Popen(
        [*command, "--port", "0", "--count", "1"],
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as receiver:
        said = receiver.stderr.readline()
        port = re.search(r"127\.0\.0\.1 port (\d+)", said)[1]
        assert (
            subprocess.run([storescu, "-aec", "BUSIVIEWER", "127.0.0.1", port, str(path)], timeout=30).returncode == 0
        )
        out, _ = receiver.communicate(timeout=30)
        assert receiver.returncode == 0
    assert instances(tmp_path / "in") == ["1.2.826.0.1.3"]
    assert out.strip().startswith(str(tmp_path / "in"))


@pytest.mark.parametrize(
    "words", [["echo", "nobody"], ["send", "a.dcm"], ["send", "--to", "x"], ["find", "P@h:1", "x"]]
)
def test_wrong_words_are_told(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small_object(tmp_path / "a.dcm", 1)
    assert bootstrap.main(["dicom", *words]) in ((0,) if words == ["send", "--to", "x"] else (1, 2))
    assert "internal error" not in capsys.readouterr().err


def test_deidentify_a_folder_and_refuse_to_overwrite(tmp_path, capsys):
    (tmp_path / "in").mkdir()
    small_object(tmp_path / "in" / "a.dcm", 1)
    out = tmp_path / "out"
    words = ["dicom", "deidentify", str(tmp_path / "in"), "-o", str(out), "--json", str(tmp_path / "report.json")]
    assert bootstrap.main(words) == 0
    assert json.loads((tmp_path / "report.json").read_text())["objects"][0]["codes"] == ["113100", "113105"]
    assert b"Anna" not in next(out.rglob("*.dcm")).read_bytes()
    assert bootstrap.main(words) == 1
    assert "not empty" in capsys.readouterr().err
    (tmp_path / "in" / "bad.dcm").write_bytes(bytes(128) + b"DICM" + b"rubbish" * 20)
    words[words.index(str(out))] = str(tmp_path / "second")
    assert bootstrap.main(words) == 3
    assert "bad.dcm" in capsys.readouterr().err

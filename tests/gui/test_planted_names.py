"""A patient's name, planted in headers, file names and error messages, is found nowhere it does not belong."""

import base64
import os
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pypdfium2
import pytest
from window_kit import write_image

import busi_viewer

HERE, ROOT = Path(__file__).parent, Path(busi_viewer.__file__).parents[1]
FAMILY, GIVEN, NUMBER = "Zürchling", "Wälaburga", "PID4711XQ"
STEPS = (
    *("open", "analyse", "report", "slot", "thread", "exporter", "opener"),
    *("second", "lane", "keeping", "first", "keeper", "alive", "crash"),
)


def spellings(word):
    """A word in the ways in which it may have been written."""
    found = set()
    for text in (
        word,
        word.lower(),
        word.upper(),
        unicodedata.normalize("NFD", word),
        quote(word),
        repr(ascii(word))[2:-2],
    ):
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
            found.add(text.encode(encoding, "ignore"))
        data = text.encode()
        found.add(data.hex().encode())
        found |= {base64.b64encode(b" " * skip + data)[2 : -4 if skip else -3] for skip in range(3)}
    return {one for one in found if len(one) >= 6}


NEEDLES = [needle for word in (FAMILY, GIVEN, NUMBER) for needle in spellings(word)]


def leaks(*folders, but=()):
    """Files below the folders that name the patient, in their name or content."""
    found = []
    for path in (path for folder in folders for path in folder.rglob("*")):
        if any(path.is_relative_to(part) for part in but):
            continue
        data = os.fsencode(path.name) + (path.read_bytes() if path.is_file() else b"")
        found += [path] if any(needle in data for needle in NEEDLES) else []
    return found


@pytest.fixture
def study(tmp_path):
    """A folder named after the patient, with images that name her too."""
    sys.path.insert(0, str(HERE.parent / "dicom"))
    import cv2
    from dicom_files import ultrasound, write

    folder = tmp_path / "study" / f"{FAMILY}_{GIVEN}_{NUMBER}"
    folder.mkdir(parents=True)
    for index, stem in enumerate(("a_first", "b_second", "c_broken")):
        pixels = cv2.imread(str(write_image(tmp_path / "plain.png", seed=index)), cv2.IMREAD_GRAYSCALE)
        patient = {
            "PatientName": f"{FAMILY}^{GIVEN}",
            "PatientID": NUMBER,
            "StudyInstanceUID": "1.2.3",
            "SeriesInstanceUID": "1.2.4",
        }
        ds = ultrasound(
            np.ascontiguousarray(pixels), SpecificCharacterSet="ISO_IR 192", StudyDate="20260101", **patient
        )
        path = write(folder / f"{folder.name}_{stem}.dcm", ds)
        if stem == "c_broken":
            path.write_bytes(path.read_bytes()[:-4000])
    return folder


@pytest.fixture
def places(tmp_path):
    """(environment, home, folder of temporary files, output)."""
    names = ("home", "temporary", "out")
    home, temporary, out = made = [tmp_path / name for name in names]
    for place in made:
        place.mkdir()
    paths = os.pathsep.join(str(path) for path in (ROOT, HERE, HERE.parent))
    env = {
        **os.environ,
        "PYTHONPATH": paths,
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "XDG_CONFIG_HOME": str(home / ".config"),
    }
    return {**env, "BUSI_VIEWER_HOME": str(home / "busi")}, home, temporary, out


def test_the_search_would_find_it(tmp_path):
    for number, needle in enumerate(NEEDLES):
        (tmp_path / str(number)).write_bytes(b"log: " + needle + b".")
    (tmp_path / "x.log").write_text(f"patient {FAMILY}", encoding="utf-16")
    assert len(leaks(tmp_path)) == len(NEEDLES) + 1


def check_metadata(path):
    with pypdfium2.PdfDocument(path) as document:
        metadata = " ".join(document.get_metadata_dict().values())
    assert metadata
    assert not any(word in metadata for word in (FAMILY, GIVEN, NUMBER))


@pytest.mark.parametrize("mode", ["open", "private"])
def test_a_session_full_of_errors_leaves_her_name_in_the_store_alone(study, places, mode):
    env, home, temporary, out = places
    words = [sys.executable, str(HERE / "planted_session.py"), str(study), str(out), mode]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=env)
    assert tuple(done.stdout.split()) == STEPS, done.stderr
    assert done.returncode == -signal.SIGABRT
    but = [home / "busi" / "data" / "cases"]
    if mode == "open":
        but.append(home / "busi" / "config" / "settings.json")  # what was opened last, for the reader's own menu
    assert leaks(home, temporary, but=but) == []
    assert leaks(home / "busi" / "data" / "cases"), "the store knows whose images they are"
    logs = list((home / "busi" / "logs").rglob("*"))
    assert any(path.parent.name == "crashes" for path in logs)
    assert any("RuntimeError" in path.read_text() for path in logs if path.suffix == ".log")
    assert FAMILY not in done.stderr
    check_metadata(next(out.glob("*.pdf")))


COMMAND = """
import sys
from small_engine import OtsuEngine, around
from busi_viewer import bootstrap, cli, logs

class Faulty(OtsuEngine):
    def analyse(self, record, *args, **options):
        if "b_second" in record.path.name:
            raise RuntimeError(f"{record.path} {record.facts}")
        return super().analyse(record, *args, **options)

logs.set_up(verbose=True)
real = bootstrap.services()
sys.exit(cli.main(sys.argv[1:], around(Faulty(), sources=real.sources, report_writer=real.report_writer)))
"""


def test_commands_leave_her_name_in_what_was_asked_for_alone(study, places):
    env, home, temporary, out = places

    def run(*words):
        command = [sys.executable, "-c", COMMAND, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=90, env=env)

    subprocess.run(
        [sys.executable, str(HERE / "planted_session.py"), str(study), str(out), "private"],
        env=env,
        capture_output=True,
    )
    done = run("analyze", study, "-o", out / "results", "--pdf", "--png", "--verbose")
    assert done.returncode == 3, done.stderr
    assert "internal error" in done.stderr
    assert run("cases", "list").returncode == 0
    assert run("cases", "audit", "--csv", out / "audit.csv").returncode == 0
    assert (out / "audit.csv").exists()
    assert run("cases", "training-set", "-o", out / "sets").returncode in (0, 3)
    assert leaks(home, temporary, but=[home / "busi" / "data" / "cases"]) == []
    assert leaks(out / "sets") == []
    assert list(out.rglob("*.png"))
    for path in (out / "results").rglob("*.pdf"):
        check_metadata(path)

"""The frozen application, where ``make installer`` has built one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import busi_viewer

FOLDER = Path(__file__).parents[1] / "dist" / "busi-viewer"
PROGRAM = FOLDER / "busi-viewer"
SAMPLE = FOLDER / "_internal" / "resources" / "sample"

pytestmark = [
    pytest.mark.skipif(not PROGRAM.exists(), reason="no frozen application: make installer builds it"),
    pytest.mark.slow,
]


def run(*words, timeout=240, program=PROGRAM, **changes):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | changes
    return subprocess.run([program, *words], env=environment, capture_output=True, text=True, timeout=timeout)


def test_version():
    assert run("--version").stdout.split() == ["busi-viewer", busi_viewer.__version__]


def test_demo_writes_reports(tmp_path):
    result = run("demo", "-o", str(tmp_path))
    assert result.returncode == 0, result.stderr
    reports = [Path(line) for line in result.stdout.splitlines()]
    assert reports
    assert all(report.read_bytes().startswith(b"%PDF-") for report in reports)


def test_doctor_finds_nothing_missing(tmp_path):
    findings = tmp_path / "doctor.json"
    result = run("doctor", "--json", str(findings))
    assert result.returncode == 0, result.stdout
    assert not [f for f in json.loads(findings.read_text())["findings"] if f["status"] == "missing"]


@pytest.mark.timeout(660)
def test_selftest_passes_and_leaves_the_home_alone(tmp_path):
    home = tmp_path / "höme"
    home.mkdir()
    result = run(
        "--selftest", timeout=600, QT_QPA_PLATFORM="offscreen", HOME=str(home), BUSI_VIEWER_HOME=str(home / "b")
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert not (home / "b").exists()


def test_runs_from_a_long_path_that_is_not_ascii_without_write_access(tmp_path):
    """A copy owned by nobody else and read-only, below a path of more than 260 characters."""
    place = tmp_path.joinpath(*(["verzeichnis-für-ärzte-" + "x" * 40] * 5))
    place.mkdir(parents=True)
    (place / "busi-viewer").symlink_to(FOLDER, target_is_directory=True)
    program = place / "busi-viewer" / "busi-viewer"
    out = place / "ergebnis"
    result = run("demo", "-o", str(out), program=program, XDG_CACHE_HOME="/proc/nowhere")
    assert result.returncode == 0, result.stderr
    assert list(out.glob("*.pdf"))


def test_forward_pass_runs_through_openvino(tmp_path):
    """Every forward pass, that of a graph shipped with the model too: the log would say if PyTorch had to stand in."""
    image = SAMPLE / "malignant.png"
    done = run(
        "analyze", str(image), "-o", str(tmp_path / "out"), "--device", "cpu", BUSI_VIEWER_HOME=str(tmp_path / "b")
    )
    assert done.returncode == 0, done.stderr
    assert "OpenVINO is not used" not in "".join(p.read_text() for p in (tmp_path / "b" / "logs").glob("*.log"))
    assert not list((FOLDER / "_internal").rglob("libopenvino_intel_[gn]pu_plugin*"))


def test_says_what_is_inside():
    bill = json.loads((FOLDER / "_internal" / "sbom.cdx.json").read_text(encoding="utf-8"))
    names = {component["name"].lower() for component in bill["components"]}
    assert {"torch", "numpy", "pydicom", "pyside6_essentials", "opencv-python-headless", "openvino"} <= names
    notices = (FOLDER / "_internal" / "THIRD_PARTY_LICENCES.txt").read_text(encoding="utf-8")
    assert all(name in notices.lower() for name in names)


def test_window_opens_and_stays():
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    window = subprocess.Popen(
        [PROGRAM, SAMPLE], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        said, _ = window.communicate(timeout=12)
    except subprocess.TimeoutExpired:
        return
    finally:
        window.kill()
        window.wait()
    pytest.fail(f"the window closed by itself, exit code {window.returncode}: {said}")


def test_stays_below_a_gigabyte():
    assert sum(path.lstat().st_size for path in FOLDER.rglob("*")) <= 1_000_000_000


ICU = next(iter(FOLDER.glob("_internal/PySide6/Qt/lib/libicudata.so.*")), None)
SORTED = """
import functools
from PySide6.QtCore import QCollator, QLocale, QTimeZone
words = ["Zebra", "Äpfel", "apfel", "Öl", "Ole", "Straße", "Strasse", "cote", "côté", "ı", "i", "中", "国", "かな", "Я", "ё"]
for name in ("de_DE", "en_GB", "sv_SE", "tr_TR", "fr_FR", "cs_CZ", "zh_CN", "ja_JP"):
    order = QCollator(QLocale(name))
    print(name, sorted(words, key=functools.cmp_to_key(order.compare)), QLocale(name).toUpper("straße iı"))
zone = QTimeZone(b"Europe/Berlin")
print([zone.displayName(QTimeZone.TimeType.StandardTime, QTimeZone.NameType.LongName, QLocale(n)) for n in ("de_DE", "en_GB")])
print(open("/proc/self/maps").read().count("/_internal/") > 0)
"""


@pytest.mark.skipif(ICU is None, reason="no ICU inside")
def test_qt_sorts_by_every_language_with_the_data_left_of_icu():
    whole, rest = (
        subprocess.run(
            [sys.executable, "-c", SORTED], env=os.environ | preload, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for preload in ({}, {"LD_PRELOAD": str(ICU)})
    )
    assert (whole.pop(), rest.pop()) == ("False", "True")
    assert rest == whole


def test_no_tests_and_no_copyleft_inside():
    names = {path.name.lower() for path in FOLDER.rglob("*")}
    assert not {"fitz", "pyqt5", "pyqt6", "_tkinter", "pytest"} & names
    assert not [
        name for name in names if name.startswith(("libqt6virtualkeyboard", "libqt6charts", "pylibjpeg_libjpeg"))
    ]

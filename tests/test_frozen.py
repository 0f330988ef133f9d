"""The frozen application, where ``make installer`` has built one."""

import json
import os
import subprocess
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


def run(*words, timeout=240):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run([PROGRAM, *words], env=environment, capture_output=True, text=True, timeout=timeout)


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


def test_no_tests_and_no_copyleft_inside():
    names = {path.name.lower() for path in FOLDER.rglob("*")}
    assert not {"fitz", "pyqt5", "pyqt6", "_tkinter", "pytest"} & names
    assert not [
        name for name in names if name.startswith(("libqt6virtualkeyboard", "libqt6charts", "pylibjpeg_libjpeg"))
    ]

"""The log file."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import logging, sys
from busi_viewer import logs
logs.set_up()
handler = logging.getLogger("busi_viewer").handlers[-1]
handler.stream = open("/dev/full", "w")
logging.getLogger("busi_viewer.x").warning("%s: %s", "saving", "StoreError")
handler.stream = None
print("went on")
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_costs_a_line_of_the_log_and_prints_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("BUSI_VIEWER_HOME", str(tmp_path))
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout == "went on\n"
    assert ran.stderr == ""

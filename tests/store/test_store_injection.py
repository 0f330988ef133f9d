"""Errors that strace puts in the place of the system's answer, at each write call in turn: nothing kept is lost or half done.

``BUSI_VIEWER_KILLS`` asks for the long run: every call, three errors, once and from there on. Else a few calls with EIO.
"""

import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from faulty_deeds import DEEDS, contents, prepare

import busi_viewer

HERE = Path(__file__).parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), str(Path(busi_viewer.__file__).parents[1])))}
EVERY_CALL = "BUSI_VIEWER_KILLS" in os.environ
CALLS = {
    "save": ("pwrite64", "fdatasync"),
    "sign": ("pwrite64", "write", "rename"),
    "export": ("write", "sendfile", "mkdir", "rename", "pwrite64"),
    "import": ("pwrite64", "fdatasync"),
    "migrate": ("pwrite64", "fdatasync", "rename"),
    "backup": ("pwrite64", "mkdir", "rename"),
}
ERRORS = ("EIO", "ENOSPC", "EACCES") if EVERY_CALL else ("EIO",)
FORMS = ("{}", "{}+") if EVERY_CALL else ("{}",)
"""The one call fails, or all from it on."""
STORES = {"import": "empty", "migrate": "old"}
HARMLESS = {("sign", "write"), ("sign", "rename"), ("migrate", "rename")}
"""Where a failing call need not refuse the deed: notes beside the store, of which an older version does as well."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    tracer = shutil.which("strace")
    if tracer is None or subprocess.run([tracer, "-o", "/dev/null", "true"], capture_output=True).returncode:
        pytest.skip("needs strace and the right to trace")
    place = tmp_path_factory.mktemp("prepared")
    prepare(place)
    copy = tmp_path_factory.mktemp("before") / "copy"
    shutil.copytree(place, copy)
    return place, {name: contents(copy / name) for name in ("store", "empty", "old")}


def traced(deed, place, *options):
    """The exit status of a deed under strace."""
    words = ["strace", "-f", "-qq", *options, sys.executable, "-B", str(HERE / "faulty_deeds.py"), deed, str(place)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=ENVIRONMENT)
    assert done.returncode in (0, 3), (deed, options, done.stderr)
    return done.returncode


def count_of(deed, prepared, place, call):
    """How many such calls the deed makes when nothing fails."""
    shutil.copytree(prepared, place)
    assert traced(deed, place, "-o", str(place / "log"), "-e", f"trace={call}") == 0
    return sum(f" {call}(" in line for line in (place / "log").read_text().splitlines())


def sizes(rows):
    return {table: len(found) for table, found in rows.items()}


@pytest.mark.timeout(14400 if EVERY_CALL else 300)
@pytest.mark.parametrize(("deed", "call"), [(deed, call) for deed in DEEDS for call in CALLS[deed]])
def test_a_call_that_fails_leaves_the_old_state_or_the_new_one(prepared, tmp_path, deed, call):
    place, before = prepared
    count = count_of(deed, place, tmp_path / "untroubled", call)
    assert count
    whole = sizes(contents(tmp_path / "untroubled" / STORES.get(deed, "store")))
    numbers = range(1, count + 1) if EVERY_CALL else sorted({1, (count + 1) // 2, count})
    refused = 0
    for error, form, number in itertools.product(ERRORS, FORMS, numbers):
        here = tmp_path / f"{error}-{form}-{number}"
        shutil.copytree(place, here)
        inject = f"inject={call}:error={error}:when={form.format(number)}"
        code = traced(deed, here, "-o", "/dev/null", "-e", f"trace={call}", "-e", inject)
        after = contents(here / STORES.get(deed, "store"))
        if code == 3:
            refused += 1
            # what was written whole and could only not be synced may come back after the crash: then all of it
            synced = call != "fdatasync" or sizes(after) != whole
            assert after == before[STORES.get(deed, "store")] or not synced, inject
            assert not (here / "out" / "case").exists(), inject
            assert not list((here / "out").glob(".*")), inject
            assert not (here / "copies" / "copy.sqlite3").exists(), inject
        shutil.rmtree(here)
    sys.stdout.write(f"{deed}: {count} × {call}, {refused} of {len(ERRORS) * len(FORMS) * len(numbers)} refused\n")
    assert refused or (deed, call) in HARMLESS

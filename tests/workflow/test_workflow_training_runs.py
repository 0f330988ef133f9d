"""Runs as their folders tell them."""

import json
import os

from busi_viewer.core.training import CONTROL, GO, LOG
from busi_viewer.workflow.training_runs import BROKEN, PROCESS, look


def test_a_killed_run_does_not_repeat_what_was_said_before_it_went_on(tmp_path):
    (tmp_path / CONTROL).write_text(GO)
    before = "error: stopped; what was finished is kept.\n"
    (tmp_path / LOG).write_text(before)
    noted = {"pid": os.getpid(), "began": 0.0, "log": len(before)}  # that number has another process by now
    (tmp_path / PROCESS).write_text(json.dumps(noted))
    run = look(tmp_path)
    assert (run.state, run.problem) == (BROKEN, "")
    with (tmp_path / LOG).open("a") as log:
        log.write("error: the disk is full\n")
    assert look(tmp_path).problem == "the disk is full"
    del noted["log"]  # of a run that an earlier version began
    (tmp_path / PROCESS).write_text(json.dumps(noted))
    assert look(tmp_path).problem == "the disk is full"

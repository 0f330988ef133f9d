"""The composition root."""

import os
import subprocess
import sys

import pytest

from busi_viewer import bootstrap, cli
from busi_viewer.core.errors import DataSetError, UsageError


def _modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    return set(done.stdout.split())


def test_wiring_the_services_imports_neither_torch_nor_qt():
    loaded = _modules_after("from busi_viewer import bootstrap; bootstrap.services()")
    heavy = {"torch", "PySide6", "pydicom", "timm", "lightning", "reportlab", "matplotlib", "highdicom"}
    assert not heavy & loaded


def test_help_is_light():
    loaded = _modules_after("from busi_viewer import bootstrap\nassert bootstrap.main(['--help']) == 0")
    assert not {"torch", "PySide6", "reportlab"} & loaded


def test_training_needs_a_known_recipe(tmp_path):
    with pytest.raises(UsageError, match="Known ones"):
        bootstrap.services().train(
            recipe="nonsense", job=None, data=[tmp_path], out=tmp_path, progress=lambda event: None
        )


def test_an_estimate_of_the_descriptors_is_refused_before_they_are_fitted(tmp_path):
    with pytest.raises(UsageError, match="descriptors"):
        bootstrap.services().train(
            recipe="descriptors", job=None, data=[tmp_path], out=tmp_path, progress=lambda event: None, estimate=True
        )


@pytest.mark.parametrize(
    ("redirection", "environment", "code"),
    [
        (">&- 2>&-", {}, 0),
        (">/dev/null", {"PYTHONIOENCODING": "ascii"}, 0),
        (">/dev/full", {}, 1),
    ],
)
def test_output_that_is_closed_lacks_letters_or_is_full_is_no_internal_error(redirection, environment, code):
    program = f'"{sys.executable}" -m busi_viewer models show {redirection}'
    done = subprocess.run(
        program, shell=True, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == code
    assert "internal error" not in done.stderr
    assert ("No space left" in done.stderr) == (code == 1)


def test_commands_and_paths_are_told_apart(tmp_path, capsys):
    assert bootstrap.main(["analyze", str(tmp_path / "absent.png"), "-o", str(tmp_path / "out")]) == 3
    assert "absent.png" in capsys.readouterr().err
    assert bootstrap.main(["--version"]) == 0


@pytest.mark.parametrize("words", [["analyse", "a.png"], ["patients", "-o", "x"], ["model"], ["demos"]])
def test_what_is_meant_as_a_command_does_not_open_the_window(words, capsys):
    assert bootstrap.main(words) == 2
    assert "invalid choice" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["patients"], ["a.png"], ["doctor/"], ["analyze.png", "train"], ["-odd.png"]])
def test_paths_open_the_window(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-odd.png").touch()
    (tmp_path / "analyze.png").touch()
    (tmp_path / "doctor").mkdir()
    assert not cli.is_for_the_command_line(words)


def test_a_job_files_values_stand_unless_the_command_line_gives_others(tmp_path):
    job = tmp_path / "job.json"
    job.write_text('{"recipe": "multitask-unet-mobilenetv2", "data": ["absent"], "accelerator": "nonsense"}')
    options = {"job": job, "recipe": None, "data": [], "out": tmp_path / "out", "progress": lambda event: None}
    with pytest.raises(UsageError, match="accelerator"):
        bootstrap.services().train(**options, accelerator=None, devices=None)
    with pytest.raises(DataSetError, match="absent"):
        bootstrap.services().train(**options, accelerator="cpu", devices=None)

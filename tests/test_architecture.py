"""Rules of the code base that no other tool checks. Who may import what is in pyproject.toml (lint-imports)."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "busi_viewer").rglob("*.py"))
COPYLEFT = ("pylibjpeg-libjpeg", "pymupdf", "pyqt5", "pyqt6", "pyside6-addons", "pyside6")
"""GPL or AGPL packages, and the PySide6 bundle, whose add-ons hold GPL modules (we need only its essentials)."""


def relative(path):
    return str(path.relative_to(ROOT))


def test_modules_are_short():
    """At most 400 lines; a longer one is split by what it does."""
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_functions_are_short():
    """At most 80 lines with signature and docstring."""
    found = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[f"{relative(path)}:{node.name}"] = node.end_lineno - node.lineno + 1
    assert {name: lines for name, lines in found.items() if lines > 80} == {}


def test_no_module_has_an_empty_name():
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert not [relative(path) for path in MODULES if path.stem in vague]


def run_fresh(code, **options):
    """Run code in a new interpreter, so that what other tests imported does not count."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, **options)


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("busi_viewer.gui.app", ("torch", "pydicom", "reportlab", "matplotlib", "sklearn")),
        ("busi_viewer.bootstrap", ("torch", "PySide6", "pyqtgraph", "reportlab")),
        ("busi_viewer.cli.commands", ("torch", "PySide6", "pyqtgraph", "reportlab")),
    ],
)
def test_importing_loads_nothing_heavy(module, heavy):
    code = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    result = run_fresh(code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


def test_help_loads_neither_torch_nor_qt():
    code = (
        "import sys; from busi_viewer import bootstrap\n"
        "code = bootstrap.main(['--help'])\n"
        "assert code == 0 and not {'torch', 'PySide6'} & set(sys.modules)"
    )
    result = run_fresh(code)
    assert result.returncode == 0, result.stderr
    assert "busi-viewer" in result.stdout


def canonical(requirement):
    name = re.match(r"[A-Za-z0-9._-]+", requirement)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_copyleft_package_is_required():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    required = [*project["dependencies"], *(r for group in extras for r in group)]
    assert not {canonical(r) for r in required} & set(COPYLEFT)


def test_no_copyleft_package_comes_along():
    installed = {canonical(d.metadata["Name"]) for d in importlib.metadata.distributions()}
    assert not installed & set(COPYLEFT)


def test_one_opencv():
    installed = {canonical(d.metadata["Name"]) for d in importlib.metadata.distributions()}
    assert {name for name in installed if name.startswith("opencv")} == {"opencv-python-headless"}

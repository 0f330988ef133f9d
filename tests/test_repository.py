"""What the repository promises beside the code: two commands to start, a change log, no strange or huge files."""

import ast
import importlib
import importlib.util
import json
import re
import subprocess
from pathlib import Path

import pytest

import busi_viewer

ROOT = Path(__file__).parents[1]
LARGEST = 45_000_000


def repository_files():
    """Files that are or would be committed; skips where the sources were not cloned (an unpacked archive)."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def section(text, heading):
    """The text below a second-level heading, up to the next one."""
    found = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no section {heading!r}"
    return found[1]


def commands(text):
    """The commands in the first code block, without comments."""
    block = re.search(r"^```[a-z]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1]
    return [line for line in (line.split("#")[0].strip() for line in block.splitlines()) if line]


def test_quick_start_is_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert commands(section(readme, "Quick start")) == ["make run", "make test"]


def test_readme_names_every_command():
    from busi_viewer import cli

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [name for name in sorted(cli.COMMANDS) if f"busi-viewer {name}" not in readme]
    assert not missing


def test_readme_says_research_use_only():
    assert "Research use only" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_change_log_knows_this_version():
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(busi_viewer.__version__)}\]", changes, re.MULTILINE)


def test_licence_is_apache():
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")[:200]


def test_no_file_is_huge():
    assert not [path for path in repository_files() if path.stat().st_size > LARGEST]


def test_no_compiled_or_pickled_file():
    forbidden = {".pyc", ".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".so", ".dll", ".exe"}
    assert not [path for path in repository_files() if path.suffix.lower() in forbidden]


def test_models_hold_only_weights_graphs_and_texts():
    models = [path for path in repository_files() if path.is_relative_to(ROOT / "models")]
    assert not [path for path in models if path.suffix not in (".safetensors", ".graph", ".json", ".md")]


def test_every_model_has_its_card():
    for weights in (ROOT / "models").glob("*/model.safetensors"):
        card = json.loads((weights.parent / "card.json").read_text(encoding="utf-8"))
        assert card["name"] == weights.parent.name


def test_ci_runs_what_a_developer_runs():
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def test_doctor_and_make_name_the_same_libraries():
    from busi_viewer.workflow import doctor

    script = (ROOT / "packaging" / "system_libraries.sh").read_text(encoding="utf-8")
    installed = set(re.findall(r"^lib\S+\.so\S*\s+(\S+)$", script, re.MULTILINE))
    named = set(doctor._APT.split()[2:])
    assert named
    assert named <= installed


def test_scripts_can_be_run():
    scripts = [ROOT / ".ci" / "run", *(ROOT / "packaging").glob("*.sh")]
    assert all(script.stat().st_mode & 0o111 for script in scripts)
    assert all("set -euo pipefail" in script.read_text(encoding="utf-8") for script in scripts)


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "benchmarks").glob("*.py")), ids=lambda path: path.name)
def test_what_the_benchmarks_measure_is_there(path):
    """They are not run with the tests; so at least what they take from the package must exist."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("busi_viewer"):
            module = importlib.import_module(node.module)
            for name in (alias.name for alias in node.names):
                assert hasattr(module, name) or importlib.util.find_spec(f"{node.module}.{name}"), (node.module, name)

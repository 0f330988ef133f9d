"""Where things are: bundled resources and models, and the user's own folders.

Bundled folders are found in a checkout (beside the package), in an installed wheel (inside it) and in a frozen build.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import platformdirs

APP = "busi_viewer"


def _bundled(name: str) -> Path:
    return _found(name, getattr(sys, "_MEIPASS", None))


@cache
def _found(name: str, frozen: str | None) -> Path:
    """Looked for once: the window asks for dozens of icons."""
    package = Path(__file__).resolve().parent
    candidates = [Path(frozen) / name] if frozen else [package.parent / name, package / "_bundled" / name]
    if not frozen and not (package.parent / "pyproject.toml").is_file():
        candidates.reverse()
    return next((path for path in candidates if path.is_dir()), candidates[0])


@cache
def _resolved(root: Path) -> Path:
    return root.resolve()


def resource(*parts: str) -> Path:
    """A file under ``resources/``; the parts must not leave it."""
    root = _bundled("resources")
    path = root.joinpath(*parts)
    if not path.resolve().is_relative_to(_resolved(root)):
        raise ValueError(f"{'/'.join(parts)} leaves the resources")
    return path


def bundled_models() -> Path:
    """The folder of models shipped with the application."""
    return _bundled("models")


def user_models() -> Path:
    """The folder of models the user installed or trained (not made until needed)."""
    return data_dir() / "models"


def data_dir() -> Path:
    """The user's data folder; ``BUSI_VIEWER_HOME`` overrides it."""
    home = os.environ.get("BUSI_VIEWER_HOME")
    return Path(home) / "data" if home else Path(platformdirs.user_data_dir(APP, appauthor=False))


def config_dir() -> Path:
    """The user's settings folder."""
    home = os.environ.get("BUSI_VIEWER_HOME")
    return Path(home) / "config" if home else Path(platformdirs.user_config_dir(APP, appauthor=False))


def cache_dir() -> Path:
    """The user's cache folder (safe to delete)."""
    home = os.environ.get("BUSI_VIEWER_HOME")
    return Path(home) / "cache" if home else Path(platformdirs.user_cache_dir(APP, appauthor=False))


def log_dir() -> Path:
    """Where logs go; they never hold patient data."""
    home = os.environ.get("BUSI_VIEWER_HOME")
    return Path(home) / "logs" if home else Path(platformdirs.user_log_dir(APP, appauthor=False))


def model_of(folder: Path) -> Path:
    """The folder of the model in a finished run's folder; any other folder as it is."""
    inner = folder / "model"
    return inner if (inner / "card.json").is_file() and not (folder / "card.json").is_file() else folder


def sources_of(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Source, licence and origin of those data sets that are known by their folder's name (``datasets.json``)."""
    known: dict[str, dict[str, str]] = json.loads(resource("datasets.json").read_text(encoding="utf-8"))
    return {name: known[name] for name in names if name in known}


def real_data() -> Path:
    """The folder of real data sets for tests: ``BUSI_VIEWER_DATA`` or ``../shared/data`` beside the checkout."""
    named = os.environ.get("BUSI_VIEWER_DATA")
    return Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"

"""The user's settings: a small versioned JSON file in the settings folder, written whole or not at all.

What a reader may meet on disk and what happens then:

* no file, or one that is not JSON: the defaults; a file that cannot be understood is kept aside as ``settings.json.broken``;
* a value of the wrong type: that value's default, the others are kept;
* a file of a newer version: the values known here are used, and everything else is written back unchanged, so that a
  newer release loses nothing when an older one runs in between.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from busi_viewer import paths
from busi_viewer.core.errors import OutputError

VERSION = 1
MAX_RECENT = 8


@dataclass(frozen=True)
class Settings:
    """Every setting with its default. ``unknown`` and ``version`` carry what a newer release wrote.

    ``language`` of the window is system, en or de; ``theme`` is dark or light; ``privacy`` keeps names off the screen;
    ``recent`` holds files and folders opened last, newest first (none in privacy mode); ``splitter`` the widths of
    worklist, canvas and result in px; ``window_size``
    (width, height) in px; ``heatmap_opacity`` ∈ [0, 1], ``heatmap_threshold`` ∈ [0, 0.9]; ``gamma`` ∈ [0.25, 4];
    ``facility``, ``address`` and ``logo`` (an image file) head reports, ``template`` (full, short) is theirs;
    ``panels`` is one, sides (AI beside reader) or four; ``brush_radius`` in image px; ``reader`` the name under which
    reports are signed; ``model`` the model to load (None = the active one); ``device`` as on the command line.
    ``grouping`` (none, folder, dicom) and ``sort`` (name, estimate, status, flagged, date) are the worklist's.
    ``geometry`` is where the window stands, as Qt describes it (base 64); ``folded`` the titles of the result's folded sections;
    ``blind`` whether images are read blind; ``keys`` the shortcuts that the reader has changed, by command.
    On the DICOM network: ``own_title``, ``peers`` as TITLE@HOST:PORT, and where to receive, by default on this computer
    only; ``known_callers_only``: nothing from titles that are no peers.
    """

    language: str = "system"
    theme: str = "dark"
    privacy: bool = False
    recent: tuple[str, ...] = ()
    splitter: tuple[int, ...] = ()
    window_size: tuple[int, ...] = ()
    maximized: bool = False
    mask_style: str = "outline"
    heatmap: bool = True
    band: bool = True
    regions: bool = False
    heatmap_opacity: float = 0.4
    heatmap_threshold: float = 0.15
    heatmap_colours: str = "inferno"
    gamma: float = 1.0
    panels: str = "one"
    brush_radius: float = 7.0
    grouping: str = "none"
    sort: str = "name"
    geometry: str = ""
    folded: tuple[str, ...] = ()
    blind: bool = False
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    reader: str = ""
    facility: str = ""
    address: str = ""
    logo: str = ""
    template: str = "full"
    model: str | None = None
    device: str = "auto"
    own_title: str = "BUSIVIEWER"
    peers: tuple[str, ...] = ()
    listen_address: str = "127.0.0.1"
    listen_port: int = 11112
    known_callers_only: bool = False
    version: int = VERSION
    unknown: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def with_recent(self, path: Path) -> Settings:
        """The settings with ``path`` as the newest recent entry."""
        entry = str(path)
        others = tuple(other for other in self.recent if other != entry)
        return replace(self, recent=(entry, *others)[:MAX_RECENT])


_CHOICES = {
    "language": ("system", "en", "de"),
    "theme": ("dark", "light"),
    "mask_style": ("outline", "fill", "both", "hidden"),
    "heatmap_colours": ("inferno", "viridis", "cividis", "jet"),
    "panels": ("one", "sides", "four"),
    "template": ("full", "short"),
    "grouping": ("none", "folder", "dicom"),
    "sort": ("name", "estimate", "status", "flagged", "date"),
}
_RANGES = {
    "heatmap_opacity": (0.0, 1.0),
    "heatmap_threshold": (0.0, 0.9),
    "gamma": (0.25, 4.0),
    "brush_radius": (1.0, 200.0),
    "listen_port": (1, 65535),
}
_OPTIONAL = ("model",)


def default_path() -> Path:
    """Where the settings are kept."""
    return paths.config_dir() / "settings.json"


def load(path: Path | None = None) -> Settings:
    """Read the settings; never raises (see the module's text for what is tolerated)."""
    path = path or default_path()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return Settings()
    except UnicodeDecodeError:
        text = ""
    try:
        raw = json.loads(text)
    except ValueError:
        raw = None
    if not isinstance(raw, dict):
        _keep_aside(path)
        return Settings()
    return _from_raw(raw)


def save(settings: Settings, path: Path | None = None) -> None:
    """Write the settings atomically (a file beside the old one, then renamed). Raises OutputError."""
    path = path or default_path()
    raw: dict[str, Any] = dict(settings.unknown)
    for item in fields(Settings):
        if item.name != "unknown":
            value = getattr(settings, item.name)
            plain = dict(value) if isinstance(value, Mapping) else value
            raw[item.name] = list(plain) if isinstance(plain, tuple) else plain
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="settings-", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise _not_written(path, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(raw, stream, indent=2, ensure_ascii=False)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"the settings could not be saved ({error.strerror})",
        path=path,
        remedy="Check that the folder can be written; the settings of this session stay in force until it ends.",
    )


def _keep_aside(path: Path) -> None:
    """Rename a file that cannot be understood, so that saving does not destroy it; where that fails it stays."""
    try:
        path.replace(path.with_name(path.name + ".broken"))
    except OSError:
        return


def _from_raw(raw: dict[str, Any]) -> Settings:
    defaults = Settings()
    known: dict[str, Any] = {}
    names = {item.name for item in fields(Settings)} - {"unknown", "version"}
    for name in names & raw.keys():
        value = _checked(name, raw[name], getattr(defaults, name))
        if value is not None:
            known[name] = value
    version = raw.get("version", VERSION)
    version = version if isinstance(version, int) and not isinstance(version, bool) else VERSION
    unknown = {key: value for key, value in raw.items() if key not in names and key not in ("version", "unknown")}
    return Settings(**known, version=max(version, VERSION), unknown=MappingProxyType(unknown))


def _checked(name: str, value: Any, default: Any) -> Any:
    """The value if it has the default's type and lies in its range, else None."""
    if name in _OPTIONAL:
        return value if isinstance(value, str) else None
    if isinstance(default, bool):
        return value if isinstance(value, bool) else None
    if isinstance(default, Mapping):
        return _checked_keys(value)
    if isinstance(default, tuple):
        kind = str if name in ("recent", "peers", "folded") else int
        good = isinstance(value, list) and all(isinstance(v, kind) and not isinstance(v, bool) for v in value)
        return tuple(value) if good else None
    if isinstance(default, int):
        low, high = _RANGES[name]
        return value if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high else None
    if isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        low, high = _RANGES[name]
        return float(value) if low <= value <= high else None
    if not isinstance(value, str) or value not in _CHOICES.get(name, (value,)):
        return None
    return value


def _checked_keys(value: Any) -> Mapping[str, tuple[str, ...]] | None:
    """Lists of words by name, without what is none; None for anything but an object."""
    if not isinstance(value, dict):
        return None
    good = {k: tuple(v) for k, v in value.items() if isinstance(v, list) and all(isinstance(w, str) for w in v)}
    return MappingProxyType(good)

"""What this machine has and lacks for the application, each lack with its remedy."""

from __future__ import annotations

import ctypes.util
import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from busi_viewer import __version__, paths
from busi_viewer.core.errors import ModelError, NoStore, StoreError, StoreInUse
from busi_viewer.core.ports import CaseStore, Services
from busi_viewer.workflow import casework, models

FREE_BYTES = 1_000_000_000
MEMORY_BYTES = 3_000_000_000

_PACKAGES = (
    ("torch", "torch", "analysis and training"),
    ("opencv-python-headless", "cv2", "reading and writing images"),
    ("scipy", "scipy.ndimage", "measurements"),
    ("pydicom", "pydicom", "DICOM files"),
    ("pillow", "PIL.Image", "JPEG, TIFF and BMP files"),
    ("reportlab", "reportlab.pdfgen.canvas", "PDF reports"),
    ("pypdfium2", "pypdfium2", "previews of PDF reports"),
)
_DECODERS = (
    ("pyjpegls", "jpeg_ls", "JPEG-LS in DICOM"),
    ("pylibjpeg-openjpeg", "openjpeg", "JPEG 2000 in DICOM"),
    ("pylibjpeg-rle", "rle", "RLE in DICOM"),
)
_XCB = ("xcb-cursor", "xkbcommon-x11", "xcb-icccm", "xcb-keysyms", "xcb-shape", "EGL", "GL", "fontconfig", "dbus-1")
_APT = (
    "apt-get install libegl1 libgl1 libfontconfig1 libdbus-1-3 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4"
    " libxcb-keysyms1 libxcb-shape0"
)


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``status``: ok, warning (works without), missing (essential). ``remedy`` is empty if ok."""

    name: str
    status: str
    detail: str
    remedy: str = ""

    def as_json(self) -> dict[str, str | None]:
        """For machines; no remedy is None."""
        return {**asdict(self), "remedy": self.remedy or None}


def examine(services: Services | None = None) -> list[Finding]:
    """Look at everything, at the case store only where ``services`` are given; never raises."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _system,
        _packages,
        _torch,
        _window,
        _resources,
        _folders,
        _models,
        *([partial(_store, services)] if services is not None else []),
    )
    findings = []
    for check in checks:
        try:
            findings += list(check())
        except Exception as error:  # noqa: BLE001 - one broken check must not hide the others
            name = getattr(check, "__name__", "case store").strip("_")
            findings.append(Finding(name, "warning", f"check failed: {type(error).__name__}: {error}"))
    return findings


def _system() -> Iterator[Finding]:
    yield Finding("busi_viewer", "ok", __version__)
    yield Finding("python", "ok", platform.python_version())
    yield Finding("system", "ok", f"{platform.platform()}, {os.cpu_count()} cores")
    memory = psutil.virtual_memory()
    detail = f"{memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free"
    low = memory.available < MEMORY_BYTES
    yield Finding("memory", "warning" if low else "ok", detail, "Close other programs." if low else "")


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "bundled"


def _packages() -> Iterator[Finding]:
    for distribution, module, purpose in _PACKAGES:
        yield _package(distribution, module, purpose, "missing")
    for distribution, module, purpose in _DECODERS:
        yield _package(distribution, module, purpose, "warning")


def _package(distribution: str, module: str, purpose: str, otherwise: str) -> Finding:
    """Whether a package can really be imported: a missing system library shows only then."""
    try:
        importlib.import_module(module)
    except (ImportError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return Finding(distribution, otherwise, f"{reason}; needed for {purpose}", f"pip install {distribution}")
    return Finding(distribution, "ok", f"{_version(distribution)}, {purpose}")


def _torch() -> Iterator[Finding]:
    """Devices that analysis can use; importing torch takes seconds, which is why only this command does it here."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return
    cores = torch.get_num_threads()
    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
        yield Finding("device", "ok", f"cuda: {names}")
    elif torch.backends.mps.is_available():
        yield Finding("device", "ok", "mps")
    else:
        yield Finding("device", "ok", f"cpu only, {cores} threads; a CUDA GPU would be used if there were one")


def _window() -> Iterator[Finding]:
    """Whether the window could open. Without one, every command still works."""
    try:
        importlib.import_module("PySide6.QtWidgets")
    except (ImportError, OSError) as error:
        remedy = _APT if sys.platform == "linux" else "pip install PySide6-Essentials"
        yield Finding("PySide6", "warning", f"{error}; the window cannot open", remedy)
    else:
        yield Finding("PySide6", "ok", _version("PySide6-Essentials"))
    if sys.platform != "linux":
        return
    lacking = [name for name in _XCB if ctypes.util.find_library(name) is None]
    if lacking:
        detail = "not found: " + ", ".join(f"lib{name}" for name in lacking)
        yield Finding("display libraries", "warning", f"{detail}; the window may not open", _APT)
    else:
        yield Finding("display libraries", "ok", "found")
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if display:
        yield Finding("display", "ok", display)
    else:
        remedy = "Log in to a desktop, or use the commands: busi-viewer --help"
        yield Finding("display", "warning", "none; the window cannot open", remedy)


def _resources() -> Iterator[Finding]:
    again = "Install busi_viewer again."
    fonts = sorted(paths.resource("fonts").glob("*.ttf"))
    if fonts:
        yield Finding("fonts", "ok", ", ".join(font.stem for font in fonts))
    else:
        yield Finding("fonts", "missing", f"none in {paths.resource('fonts')}", again)
    icons = len(list(paths.resource("icons").glob("*.svg")))
    yield Finding("icons", "ok" if icons else "warning", f"{icons}", "" if icons else again)


def _folders() -> Iterator[Finding]:
    places = (("data", paths.data_dir()), ("settings", paths.config_dir()), ("cache", paths.cache_dir()))
    for name, folder in (*places, ("logs", paths.log_dir())):
        problem = _not_writable(folder)
        remedy = "Make it writable, or set BUSI_VIEWER_HOME to a folder that is."
        if problem:
            yield Finding(f"{name} folder", "missing" if name == "data" else "warning", f"{folder}: {problem}", remedy)
        else:
            yield Finding(f"{name} folder", "ok", str(folder))
    free = shutil.disk_usage(_nearest(paths.data_dir())).free
    low = free < FREE_BYTES
    yield Finding("disk", "warning" if low else "ok", f"{free / 1e9:.1f} GB free", "Make room." if low else "")


def _nearest(folder: Path) -> Path:
    return next((p for p in (folder, *folder.parents) if p.exists()), Path.cwd())


def _not_writable(folder: Path) -> str:
    """Why a file cannot be made in the folder (made if it is not there), or ""."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or type(error).__name__


def _models() -> Iterator[Finding]:
    """Every installed model against its SHA-256, and which is active."""
    remedy = "Install one with: busi-viewer models install FOLDER"
    try:
        active = models.active()
        chosen = models.find(active)
    except ModelError as error:
        yield Finding("active model", "missing", error.what, error.remedy or remedy)
        active = ""
    else:
        yield Finding("active model", "ok", f"{chosen.name} {chosen.version}")
    for model in models.installed():
        try:
            digest = models.verify(model.folder)
        except ModelError as error:
            status = "missing" if model.name == active else "warning"
            yield Finding(f"model {model.name}", status, str(error), error.remedy)
        else:
            yield Finding(f"model {model.name}", "ok", f"weights verified, SHA-256 {digest[:12]}")


def _store(services: Services) -> Iterator[Finding]:
    """Whether the case store is whole and its audit trail intact. One that a window has open is left to that window."""
    place = casework.store_folder()
    network = casework.network_of(place, [(part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True)])
    if network:
        remedy = "Safe as long as it locks files, which is tried at every opening; a local folder is safer and faster."
        yield Finding("case store", "warning", f"{place} lies in a network folder ({network})", remedy)
    try:
        store = _store_to_read(services, place)
    except NoStore:
        yield Finding("case store", "ok", f"none yet in {place}")
        return
    except StoreInUse as error:
        yield Finding("case store", "ok", f"{error.what}; not checked from here")
        return
    except StoreError as error:
        yield Finding("case store", "warning", str(error), error.remedy)
        return
    try:
        faults = store.check()
        size = store.path.stat().st_size / 1e6
        if faults:
            remedy = f"Keep the file, and bring back a copy of it (in {place / 'backups'}, or your own)."
            yield Finding("case store", "warning", f"{store.path}: {'; '.join(faults[:3])}", remedy)
        else:
            yield Finding("case store", "ok", f"{store.path}, {size:.1f} MB, whole")
        trail = store.audit.verify()
        detail = f"{trail.rows} rows verified, head {trail.head[:12] or '–'}"
        if not trail.intact:
            detail = f"{trail.rows} rows: {' '.join(trail.problems[:3])}"
        remedy = "" if trail.intact else "Compare with a backup, and find out who could write to this folder."
        yield Finding("audit trail", "ok" if trail.intact else "warning", detail, remedy)
    finally:
        store.close()


def _store_to_read(services: Services, place: Path) -> CaseStore:
    """The store, without changing it; one that was not closed has to be opened for writing first. Raises StoreError."""
    if not place.is_dir():
        raise NoStore("there is no case store yet", path=place)
    try:
        return services.open_store(place, read_only=True)
    except NoStore:
        raise
    except StoreError:
        return services.open_store(place, create=False)

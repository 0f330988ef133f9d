"""The installed models: folders that hold ``model.safetensors`` and ``card.json``, and which of them is active.

Bundled models are read-only; the user's own lie in :func:`busi_viewer.paths.user_models`. ``active.json`` in the user's
data folder names the active model and those that were active before it. Weights are safetensors, never a pickle.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from busi_viewer import paths
from busi_viewer.core.errors import ModelError
from busi_viewer.core.operating import OperatingCurve, curve_of

WEIGHTS = "model.safetensors"
CARD = "card.json"
DESCRIPTORS, DESCRIPTORS_FILE = "busi-descriptors", "descriptors.json"
"""The descriptor model's folder and its file, which is its card too."""
PICKLES = (".pt", ".pth", ".ckpt", ".bin", ".pkl", ".pickle")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HISTORY = 20


@dataclass(frozen=True)
class Installed:
    """One installed model. ``card`` is the card as read; ``problem`` says why it cannot be used, or is empty."""

    name: str
    folder: Path
    bundled: bool
    card: Mapping[str, Any]
    problem: str = ""

    @property
    def version(self) -> str:
        """The card's version, or "" where there is none."""
        return str(self.card.get("version", ""))

    @property
    def sha256(self) -> str:
        """The SHA-256 that the card states for the weights, or ""."""
        return str(self.card.get("sha256", ""))


def installed() -> list[Installed]:
    """Every model folder, the user's first; a user's model hides a bundled one of the same name."""
    found: dict[str, Installed] = {}
    for root, bundled in ((paths.user_models(), False), (paths.bundled_models(), True)):
        for folder in sorted(root.iterdir()) if root.is_dir() else []:
            is_model = (folder / CARD).exists() or (folder / WEIGHTS).exists()
            if is_model and not folder.name.startswith(".") and folder.name not in found:
                found[folder.name] = _inspect(folder, bundled)
    return list(found.values())


def _inspect(folder: Path, bundled: bool) -> Installed:
    try:
        card = read_card(folder)
    except ModelError as error:
        return Installed(folder.name, folder, bundled, {}, str(error))
    problem = "" if (folder / WEIGHTS).is_file() else f"{folder / WEIGHTS} is missing."
    return Installed(folder.name, folder, bundled, card, problem)


def read_card(folder: Path) -> dict[str, Any]:
    """The card as a dictionary with at least name, version and sha256. Raises ModelError."""
    path = folder / CARD
    card = _json_of(path)
    if not all(isinstance(card.get(k), str) for k in ("name", "version", "sha256")):
        raise ModelError("the model's card lacks name, version or sha256", path=path, remedy="Install the model again.")
    return card


def _json_of(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            f"the model's card cannot be read ({error.strerror})", path=path, remedy="Give a folder with card.json."
        ) from error
    except ValueError as error:
        raise ModelError("the model's card is not valid JSON", path=path, remedy="Install the model again.") from error
    return card if isinstance(card, dict) else {}


def shown(name_or_path: str | None = None) -> tuple[Path, dict[str, Any]]:
    """Folder and card of a model as :func:`resolve` finds it, or of the descriptor model. Raises ModelError."""
    for root in (paths.user_models(), paths.bundled_models()):
        if name_or_path == DESCRIPTORS and (root / DESCRIPTORS / DESCRIPTORS_FILE).is_file():
            return root / DESCRIPTORS, _json_of(root / DESCRIPTORS / DESCRIPTORS_FILE)
    folder = resolve(name_or_path)
    return folder, read_card(folder)


def operating_curve(sha256: str) -> OperatingCurve | None:
    """What the card of the installed model with these weights records of its operating points, or None."""
    card = card_of(sha256)
    return curve_of(card) if card is not None else None


def card_of(sha256: str) -> Mapping[str, Any] | None:
    """The card of the installed model with these weights, or None."""
    return next((model.card for model in installed() if model.sha256 == sha256), None)


def find(name: str) -> Installed:
    """The installed model of that name. Raises ModelError naming those there are."""
    models = installed()
    for model in models:
        if model.name == name:
            return model
    known = ", ".join(model.name for model in models) or "none"
    raise ModelError(f"no model named {name!r} is installed", remedy=f"Installed: {known}.")


def resolve(name_or_path: str | None = None) -> Path:
    """The folder of a model given by name, by its folder or by its run's; None = the active one. Raises ModelError."""
    if name_or_path is None:
        return find(active()).folder
    if any(model.name == name_or_path for model in installed()):
        return find(name_or_path).folder
    folder = Path(name_or_path)
    if folder.suffix.lower() in PICKLES:
        raise _refused(folder)
    if folder.is_dir():
        folder = paths.model_of(folder)
        if not (folder / CARD).is_file():
            raise ModelError(
                "the folder holds no card.json", path=folder, remedy="Give the folder of a model, or of a finished run."
            )
        return folder
    return find(name_or_path).folder


def active() -> str:
    """Name of the active model: the chosen one, else the first bundled. Raises ModelError if there is none at all."""
    chosen = _read_state()["active"]
    if isinstance(chosen, str):
        return chosen
    models = installed()
    for model in sorted(models, key=lambda m: (not m.bundled, m.name)):
        return model.name
    raise ModelError("no model is installed", remedy="Install one with: busi-viewer models install FOLDER")


def verify(folder: Path) -> str:
    """Check that the weights are safetensors with the card's SHA-256, and return it. Raises ModelError."""
    card = read_card(folder)
    path = folder / WEIGHTS
    _check_weights(path)
    digest = sha256_of(path)
    if digest != card["sha256"].lower():
        raise ModelError(
            f"the weights have SHA-256 {digest}, the card says {card['sha256']}",
            path=path,
            remedy="The file is damaged or altered; install the model again.",
        )
    return digest


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_weights(path: Path) -> None:
    """Refuse anything but a safetensors file: 8 bytes of header length, then that much JSON. Raises ModelError."""
    remedy = "Give a folder that training or the project produced."
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(length)) if 2 <= length <= min(size - 8, 100_000_000) else None
    except OSError as error:
        raise ModelError(f"the weights cannot be read ({error.strerror})", path=path, remedy=remedy) from error
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise ModelError("the weights are not a safetensors file", path=path, remedy=remedy)


def _refused(path: Path) -> ModelError:
    return ModelError(
        "pickle files are never loaded, because loading one can run any program hidden in it",
        path=path,
        remedy=f"Give a folder with {WEIGHTS} and {CARD}.",
    )


def install(source: Path) -> Installed:
    """Copy a model's folder, or that in a run's, into the user's models under its card's name, checked, whole or not at all.

    Raises ModelError if it is not a model, is damaged, or another model of that name is installed.
    """
    if source.suffix.lower() in PICKLES and not source.is_dir():
        raise _refused(source)
    if not source.is_dir():
        raise ModelError("this is not a folder", path=source, remedy=f"Give a folder with {WEIGHTS} and {CARD}.")
    source = paths.model_of(source)
    if not (source / WEIGHTS).is_file():
        pickles = sorted(p for p in source.iterdir() if p.suffix.lower() in PICKLES)
        if pickles:
            raise _refused(pickles[0])
    card = read_card(source)
    name = card["name"]
    if not _NAME.fullmatch(name):
        raise ModelError(f"the model's name {name!r} cannot be a folder's name", path=source / CARD)
    verify(source)
    present = next((model for model in installed() if model.name == name), None)
    if present is not None:
        if present.sha256 == card["sha256"]:
            return present
        raise ModelError(
            f"another model named {name!r} is installed (version {present.version})",
            path=present.folder,
            remedy="Change the name in card.json and install again.",
        )
    return _copy(source, name)


def _copy(source: Path, name: str) -> Installed:
    root = paths.user_models()
    try:
        root.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".installing-", dir=root))
    except OSError as error:
        raise ModelError(f"the folder of models cannot be written ({error.strerror})", path=root) from error
    try:
        for part in (WEIGHTS, CARD):
            shutil.copyfile(source / part, staging / part)
        verify(staging)
        staging.chmod(0o755)
        os.rename(staging, root / name)
    except OSError as error:
        raise ModelError(f"the model could not be copied ({error.strerror})", path=root / name) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return find(name)


def activate(name: str) -> Installed:
    """Make an installed model the active one, after checking its weights. Raises ModelError; also for a leaky protocol's."""
    model = find(name)
    if model.card.get("leaky"):
        raise ModelError(
            f"{name} was trained by a protocol that leaks, to reproduce a paper; it is never the active model",
            remedy="Train the recipe without --protocol paper. To look at this one: --model NAME.",
        )
    verify(model.folder)
    before = _read_state()
    current = before["active"]
    if current != name:
        _write_state({"active": name, "history": [*before["history"], current][-_HISTORY:]})
    return model


def rollback() -> str:
    """Go back to the model that was active before, and return its name. Raises ModelError if there is none."""
    state = _read_state()
    if not state["history"]:
        raise ModelError("no other model was active before", remedy="Choose one with: busi-viewer models activate NAME")
    *history, previous = state["history"]
    if previous is not None:
        verify(find(previous).folder)
    _write_state({"active": previous, "history": history})
    return active()


def _state_path() -> Path:
    return paths.data_dir() / "active.json"


def _read_state() -> dict[str, Any]:
    """``active`` (name, or None = the bundled default) and ``history`` (oldest first); a broken file counts as none."""
    try:
        raw = json.loads(_state_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raw = {}
    if not isinstance(raw, dict):
        raw = {}
    current, history = raw.get("active"), raw.get("history")
    known = [h for h in history if h is None or isinstance(h, str)] if isinstance(history, list) else []
    return {"active": current if isinstance(current, str) else None, "history": known}


def _write_state(state: dict[str, Any]) -> None:
    path = _state_path()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"schema": 1, **state}) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ModelError(f"the choice could not be saved ({error.strerror})", path=path) from error


def record_metrics(folder: Path, name: str, figures: Mapping[str, Any]) -> None:
    """Put measured figures into a card under ``metrics.name``, replacing earlier ones, with the sources of their data sets.

    Raises ModelError.
    """
    card = read_card(folder)
    card["metrics"] = {**card.get("metrics", {}), name: dict(figures)}
    card["data"] = {**card.get("data", {}), **paths.sources_of(figures)}
    path = folder / CARD
    temporary = path.with_name(CARD + ".part")
    try:
        temporary.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ModelError(
            f"the model's card cannot be written ({error.strerror})",
            path=path,
            remedy="Check the folder's permissions.",
        ) from error

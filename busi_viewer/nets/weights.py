"""Weights on disk: safetensors only, never pickle; checked by SHA-256; written whole or not at all. torch only where asked for."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from busi_viewer.core.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor


def load_tensors(path: Path, sha256: str | None = None) -> dict[str, Tensor]:
    """All tensors of a safetensors file. With ``sha256`` the very bytes loaded are checked. Raises ModelError."""
    from safetensors.torch import load

    content = _checked(path, sha256)
    try:
        return dict(load(content))
    except (SafetensorError, ValueError) as error:
        raise _damaged(path) from error


def load_arrays(path: Path, sha256: str | None = None) -> dict[str, NDArray[np.float32]]:
    """The floating-point tensors of a safetensors file as float32 arrays, without torch. Raises ModelError."""
    from safetensors.numpy import load

    content = _checked(path, sha256)
    try:
        found = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise _damaged(path) from error
    return {name: values.astype(np.float32) for name, values in found.items() if values.dtype.kind == "f"}


def _checked(path: Path, sha256: str | None) -> bytes:
    if path.suffix != ".safetensors":
        raise ModelError(
            "weights must be a safetensors file", path=path, remedy="Convert it; pickle files are never loaded."
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"the weights cannot be read ({error.strerror})", path=path, remedy="Install the model again."
        ) from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(
            "the weights do not match the SHA-256 in the model's card", path=path, remedy="Install the model again."
        )
    return content


def _damaged(path: Path) -> ModelError:
    return ModelError("the weights are damaged", path=path, remedy="Install the model again.")


def save_tensors(path: Path, state: dict[str, Tensor], *, half: bool = True) -> str:
    """Write tensors (floats as fp16 if ``half``) atomically and return the file's SHA-256."""
    import torch
    from safetensors.torch import save

    def stored(value: Tensor) -> Tensor:
        value = value.detach().cpu().contiguous()
        return value.to(torch.float16) if half and value.is_floating_point() else value

    content = save({name: stored(value) for name, value in state.items()})
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(content)
    os.replace(temporary, path)
    return hashlib.sha256(content).hexdigest()

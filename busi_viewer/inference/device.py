"""Which device computes. torch is asked only where there may be another than the CPU."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from busi_viewer.core.errors import UsageError

_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""Device files of NVIDIA's driver, of Windows' under WSL, and of AMD's."""


def choose(name: str) -> str:
    """A device by name: auto (CUDA, then Apple's MPS, then the CPU), cpu, mps, cuda or cuda:N. Raises UsageError."""
    kind, _, number = name.partition(":")
    if name == "cpu" or (name == "auto" and not _may_have_gpu()):
        return "cpu"
    if kind not in ("auto", "mps", "cuda") or (number and not (kind == "cuda" and number.isdigit())):
        raise UsageError(f"unknown device {name!r}", remedy="Use auto, cpu, mps, cuda or cuda:N.")
    import torch

    if name == "auto":
        return "cuda:0" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UsageError("this machine has no MPS device", remedy="Use --device cpu.")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise UsageError(f"this machine has no {kind}:{number or 0}", remedy="Use --device cpu.")
    return f"cuda:{int(number or 0)}" if kind == "cuda" else kind


def _may_have_gpu() -> bool:
    """Whether a driver is there, so that importing torch to ask it is worth the seconds."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if sys.platform == "win32":
        return Path(os.environ.get("SYSTEMROOT", "C:/Windows"), "System32", "nvcuda.dll").exists()
    return any(Path(driver).exists() for driver in _DRIVERS)

"""Which device computes."""

from __future__ import annotations

import torch

from busi_viewer.core.errors import UsageError


def choose(name: str) -> torch.device:
    """A device by name: auto (CUDA, then Apple's MPS, then the CPU), cpu, mps, cuda or cuda:N. Raises UsageError."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "mps", "cuda") or (number and not (kind == "cuda" and number.isdigit())):
        raise UsageError(f"unknown device {name!r}", remedy="Use auto, cpu, mps, cuda or cuda:N.")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise UsageError("this machine has no MPS device", remedy="Use --device cpu.")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise UsageError(f"this machine has no {kind}:{number or 0}", remedy="Use --device cpu.")
    return torch.device("cuda", int(number or 0)) if kind == "cuda" else torch.device(kind)

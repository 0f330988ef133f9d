"""Import torchvision also where its compiled operators do not fit the installed torch.

The wheel of torchvision beside a CPU-only torch fails at import because the operators ``nms`` and ``qnms`` are missing. None
of them is used here, so declaring them is enough. Import this module before timm, lightning or segmentation-models-pytorch.
"""

from __future__ import annotations

import sys

import torch

_declared: list[torch.library.Library] = []


def import_torchvision() -> None:
    """Import torchvision, declaring its missing operators if, and only if, the plain import fails for want of them."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        for name in [m for m in sys.modules if m == "torchvision" or m.startswith("torchvision.")]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
        _declared.append(library)
        import torchvision  # noqa: F401


import_torchvision()

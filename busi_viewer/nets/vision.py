"""Import torchvision also where its compiled operators do not fit the installed torch.

The wheel of torchvision beside a CPU-only torch fails at import because the operators ``nms`` and ``qnms`` are missing. None
of them is used here, so declaring them is enough. Importing this module costs nothing: it puts a finder in front of the import
system that does this at the first import of torchvision, whoever asks for it (timm, lightning, segmentation-models-pytorch).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_declared: list[Any] = []


def import_torchvision() -> None:
    """Import torchvision, declaring its missing operators if, and only if, the plain import fails for want of them."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        import torch

        for name in [m for m in sys.modules if m == "torchvision" or m.startswith("torchvision.")]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
        _declared.append(library)
        import torchvision  # noqa: F401


class _Imported(Loader):
    """Gives the module that is already there."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return sys.modules.pop(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """It has run."""


class _AtFirstImport(MetaPathFinder):
    """Steps in once, for torchvision itself."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "torchvision":
            return None
        sys.meta_path.remove(self)
        import_torchvision()
        own = sys.modules[fullname].__spec__
        assert own is not None
        return ModuleSpec(fullname, _Imported(), origin=own.origin, is_package=True)


if "torchvision" not in sys.modules:
    sys.meta_path.insert(0, _AtFirstImport())

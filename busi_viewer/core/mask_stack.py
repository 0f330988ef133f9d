"""The outlines of a cine's frames in little memory: those looked at last as arrays, the others as bits."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, MutableMapping

import numpy as np
from numpy.typing import NDArray

from busi_viewer.core.image import Mask

LIVE = 8
"""So many masks are arrays; reading another one unpacks it, which takes a tenth of a millisecond."""


class MaskStack(MutableMapping[int, Mask]):
    """Masks (H, W), all of one shape, by frame. One that was changed in place is put back before another is read."""

    def __init__(self) -> None:
        self._live: OrderedDict[int, Mask] = OrderedDict()
        self._packed: dict[int, NDArray[np.uint8]] = {}
        self._shape: tuple[int, ...] = (0, 0)

    def __getitem__(self, frame: int) -> Mask:
        if frame in self._live:
            self._live.move_to_end(frame)
            return self._live[frame]
        bits = self._packed.pop(frame)
        count = math.prod(self._shape)
        self[frame] = np.unpackbits(bits, count=count).view(np.bool_).reshape(self._shape)
        return self._live[frame]

    def __setitem__(self, frame: int, mask: Mask) -> None:
        self._shape = mask.shape
        self._packed.pop(frame, None)
        self._live[frame] = mask
        self._live.move_to_end(frame)
        while len(self._live) > LIVE:
            oldest, pixels = self._live.popitem(last=False)
            self._packed[oldest] = np.packbits(pixels)

    def __delitem__(self, frame: int) -> None:
        if frame in self._live:
            del self._live[frame]
        else:
            del self._packed[frame]

    def __contains__(self, frame: object) -> bool:
        return frame in self._live or frame in self._packed

    def __iter__(self) -> Iterator[int]:
        return iter((*self._live, *self._packed))

    def __len__(self) -> int:
        return len(self._live) + len(self._packed)

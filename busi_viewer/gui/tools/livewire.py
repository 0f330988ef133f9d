"""Livewire: click along a lesion's edge; between clicks the line clings to the edge. Anchors stay draggable."""

from __future__ import annotations

from collections.abc import Sequence

from busi_viewer.core.livewire import Livewire as Wire
from busi_viewer.core.region import Grey
from busi_viewer.gui.tools.base import ToolHost
from busi_viewer.gui.tools.handles import MODE, HandleTool, Place
from busi_viewer.gui.tools.options import Number

WIRES = 6
"""So many anchored wires are kept; anchoring one takes some tens of milliseconds."""
REACH = Number("wire_reach", "Search width", 24, 192, 96, turns=True, tip="How far from an anchor edges are followed")


class Livewire(HandleTool):
    """Handles are anchors; the line between two is the cheapest along edges."""

    name = "livewire"
    title = "Livewire"
    icon = "magnet"
    hint = "Click: anchor   Backspace: last one back   Double click: close"
    options = (MODE, REACH)

    def __init__(self, host: ToolHost) -> None:
        super().__init__(host)
        self._wires: dict[Place, Wire] = {}
        self._routes: dict[tuple[Place, Place], Sequence[Place]] = {}
        self._grey: Grey | None = None

    def options_changed(self) -> None:
        """Another search width: every line is sought again."""
        self._forget()
        self.host.refresh()

    def _drop(self) -> None:
        super()._drop()
        self._forget()

    def _forget(self) -> None:
        self._wires, self._routes, self._grey = {}, {}, None

    def _route(self, start: int, end: int) -> Sequence[Place]:
        a, b = self._points[start], self._points[end]
        known = self._routes.get((a, b))
        if known is None:
            # anchored at the end that stays, so that dragging costs next to nothing
            known = self._between(b, a)[::-1] if start == self._dragged else self._between(a, b)
            if self._dragged not in (start, end):
                self._routes[a, b] = known
        return known

    def _open_route(self, at: Place) -> Sequence[Place]:
        return self._between(self._points[-1], at)

    def _between(self, anchor: Place, to: Place) -> Sequence[Place]:
        return self._wire(anchor).path_to(*to)[1:-1]

    def _wire(self, anchor: Place) -> Wire:
        wire = self._wires.pop(anchor, None)
        if wire is None:
            if self._grey is None:
                self._grey = self.host.grey()
            wire = Wire(self._grey, self.host.options.whole(REACH.name))
            wire.anchor(*anchor)
        self._wires[anchor] = wire
        while len(self._wires) > WIRES:
            del self._wires[next(iter(self._wires))]
        return wire

"""One image on the screen: which session and frame, through which window, heatmap and camera. No editing in here."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QVBoxLayout, QWidget

from busi_viewer.core.image import Pixels
from busi_viewer.core.results import Heatmap
from busi_viewer.gui import privacy
from busi_viewer.gui.camera import Camera
from busi_viewer.gui.canvas import display, hud
from busi_viewer.gui.canvas.heat import COLOURS, coloured
from busi_viewer.gui.canvas.look import GAMMAS, MASK_STYLES, THRESHOLDS, HeatStyle, Look
from busi_viewer.gui.canvas.scene import Scene
from busi_viewer.gui.canvas.view import ImageView, MouseSink, Overlay
from busi_viewer.gui.language import tr
from busi_viewer.gui.orientation import AS_STORED, Orientation
from busi_viewer.gui.session import Session

WINDOW_DRAG = 300.0
"""Logical px of mouse movement that change window or level by the whole grey range."""
AHEAD = 4
"""Frames decoded beyond the one in view."""


class Stage(QWidget):
    """Shows a session's current frame. Subclasses paint over it and are told through the ``_on_…`` methods."""

    view_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session: Session | None = None
        self._scene = Scene(None)
        self._pixels: Pixels | None = None
        self._message = ""
        self._nameless = False
        self._camera = Camera.fitted((100.0, 100.0), (1, 1))
        self._fitted = True
        self._look = Look()
        self._heat: tuple[Heatmap | None, HeatStyle] | None = None
        self._measure = QTimer(self, singleShot=True, interval=0)
        self._measure.timeout.connect(self._take_measurements)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Image canvas"))

    def _place_view(self, overlay: Overlay, mouse: MouseSink) -> None:
        """Build the view; ``overlay`` paints over it, ``mouse`` receives its mouse."""
        self._view = ImageView(overlay, mouse, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)

    # What subclasses add

    def _on_leaving(self) -> None:
        """Frame or session is about to change."""

    def _on_shown(self) -> None:
        """Frame, masks, proposal or result changed; the scene is read."""

    def _heat_hidden(self) -> str:
        """Why the heatmap must not be seen now, or nothing."""
        return ""

    # The image in view

    @property
    def session(self) -> Session | None:
        """The open image, or None."""
        return self._session

    def set_session(self, session: Session | None) -> None:
        """Show another image, or nothing."""
        if session is self._session:
            return
        self._on_leaving()
        if self._session is not None:
            self._session.changed.disconnect(self._on_changed)
            self._session.frame_changed.disconnect(self._on_frame)
            self._session.chosen_changed.disconnect(self._on_chosen)
            self._session.frames.loaded.disconnect(self._on_loaded)
            self._session.frames.failed.disconnect(self._on_loaded)
        self._session = session
        self._pixels = None
        if session is not None:
            session.changed.connect(self._on_changed)
            session.frame_changed.connect(self._on_frame)
            session.chosen_changed.connect(self._on_chosen)
            session.frames.loaded.connect(self._on_loaded)
            session.frames.failed.connect(self._on_loaded)
            self._look = replace(self._look, window=session.document.record.window, inverted=False)
            self._fitted = True
            self._camera = replace(self._camera, orientation=AS_STORED)
            self._view.forget_image()
            self._refit()
        self._show_frame()

    @property
    def ready(self) -> bool:
        """Whether the session's current frame is on the screen, so that tools may act on it."""
        return self._session is not None and self._pixels is not None

    def _on_frame(self, _index: int) -> None:
        self._on_leaving()
        self._show_frame()

    def _on_chosen(self) -> None:
        self.refresh()

    def _on_loaded(self, index: int) -> None:
        if self._session is not None and index == self._session.frame:
            self._show_frame()

    def _show_frame(self) -> None:
        """Show the current frame or say why not; while it is decoded the one before stays, without tools."""
        session = self._session
        if session is None:
            self._pixels, self._message = None, ""
            self._view.set_image(None)
        else:
            pixels = session.frames.peek(session.frame)
            error = session.frames.error(session.frame)
            session.frames.want(session.frame, AHEAD)
            waited, self._pixels = self._pixels is None, pixels
            if pixels is None and error is None:
                return
            self._message = error or ""
            self._show_pixels()
            if waited:
                self.view_changed.emit()
        self._on_changed()

    def _show_pixels(self) -> None:
        pixels = self._pixels
        self._view.set_image(None if pixels is None else display.shown(pixels, *self._look.greys))

    def _on_changed(self) -> None:
        """Masks, proposal or result changed."""
        session = self._session
        if session is not None and self._pixels is None and not self._message:
            return
        self._scene = Scene(session if self._pixels is not None else None, session.frame if session else 0)
        self._update_heat()
        self.setAccessibleDescription(self._described())
        self._measure.start()
        self._on_shown()
        self.refresh()

    def _take_measurements(self) -> None:
        if self._session is not None and self._pixels is not None:
            self._scene.measured(self._session.lesions())
            self.refresh()

    def _described(self) -> str:
        """What is shown, for screen readers."""
        session = self._session
        if session is None:
            return tr("No image open")
        record = session.document.record
        words = "{n} outlined, proposed by AI" if self._scene.proposed else "{n} outlined by the reader"
        lesions = tr(words, n=len(self._scene.outlines))
        return tr(
            "{name}, frame {frame} of {n}, {lesions}",
            name=privacy.name(record.path),
            frame=session.frame + 1,
            n=len(record.frames),
            lesions=lesions,
        )

    # Display

    @property
    def look(self) -> Look:
        """How the image is shown."""
        return self._look

    def set_look(self, look: Look) -> None:
        """Show it another way."""
        before, self._look = self._look, look
        if look == before:
            return
        if look.greys != before.greys:
            self._show_pixels()
        self._update_heat()
        self.refresh()
        self.view_changed.emit()

    def _change(self, **fields: object) -> None:
        self.set_look(replace(self._look, **fields))  # type: ignore[arg-type]

    def set_mask_style(self, style: str) -> None:
        """Draw masks as ``outline``, ``fill``, ``both`` or ``hidden``. ValueError for others."""
        if style not in MASK_STYLES:
            raise ValueError(f"mask style {style!r} is none of {', '.join(MASK_STYLES)}")
        self._change(mask=style)

    @property
    def mask_style(self) -> str:
        """How masks are drawn."""
        return self._look.mask

    def set_heatmap(self, visible: bool) -> None:
        """Show or hide the heatmap."""
        self._change(heat_on=visible)

    @property
    def heatmap(self) -> bool:
        """Whether the heatmap is switched on."""
        return self._look.heat_on

    def set_heatmap_opacity(self, share: float) -> None:
        """Scale the heatmap's opacity; ``share`` in [0, 1]."""
        self._change(heat=replace(self._look.heat, opacity=min(max(share, 0.0), 1.0)))

    def set_heat_threshold(self, share: float) -> None:
        """Draw no heat below ``share``; kept within THRESHOLDS."""
        kept = round(min(max(share, THRESHOLDS[0]), THRESHOLDS[1]), 2)
        self._change(heat=replace(self._look.heat, threshold=kept))

    def set_heat_colours(self, name: str) -> None:
        """Choose the heatmap's colour map by its name. KeyError for others."""
        if name not in COLOURS:
            raise KeyError(name)
        self._change(heat=replace(self._look.heat, colours=name))

    def set_band(self, visible: bool) -> None:
        """Show or hide the uncertainty band around the model's outline."""
        self._change(band=visible)

    @property
    def band(self) -> bool:
        """Whether the uncertainty band is switched on."""
        return self._look.band

    def set_regions(self, visible: bool) -> None:
        """Show or hide the outlines of the file's acquisition regions."""
        self._change(regions=visible)

    def _heat_shown(self) -> bool:
        return self._look.heat_on and self._scene.heat is not None and not self._heat_hidden()

    def _update_heat(self) -> None:
        heat, style = self._scene.heat, replace(self._look.heat, opacity=1.0)
        fresh = self._heat is not None and self._heat[0] is heat and self._heat[1] == style
        if self._look.heat_on and not fresh:
            self._heat = (heat, style)
            self._view.set_heat(None if heat is None else coloured(heat.values, style))
        self._view.show_heat(self._heat_shown(), self._look.heat.opacity)

    def set_window(self, low: float, high: float) -> None:
        """Show grey values from ``low`` (black) to ``high`` (white)."""
        if high - low < 1.0:
            low, high = (low + high - 1.0) / 2, (low + high + 1.0) / 2
        self._change(window=(low, high))

    @property
    def window(self) -> tuple[float, float]:  # type: ignore[override]  # hides QWidget.window()
        """Lowest and highest grey value shown."""
        return self._look.window

    def reset_window(self) -> None:
        """Back to the window the file asks for, without gamma."""
        if self._session is not None:
            self._change(window=self._session.document.record.window, gamma=1.0)

    def drag_window(self, dx: float, dy: float) -> None:
        """Right = wider window, up = higher level, in proportion to the file's own window."""
        if self._session is None:
            return
        low, high = self._session.document.record.window
        step = max(high - low, 1.0) / WINDOW_DRAG
        width = max(self.window[1] - self.window[0] + dx * step, 1.0)
        level = (self.window[0] + self.window[1]) / 2 - dy * step
        self.set_window(level - width / 2, level + width / 2)

    def set_gamma(self, gamma: float) -> None:
        """Brighten (above 1) or darken middle greys; kept within GAMMAS."""
        self._change(gamma=min(max(gamma, GAMMAS[0]), GAMMAS[1]))

    def set_inverted(self, on: bool) -> None:
        """Show black as white and white as black."""
        self._change(inverted=on)

    @property
    def inverted(self) -> bool:
        """Whether grey values are inverted."""
        return self._look.inverted

    # Camera

    @property
    def camera(self) -> Camera:
        """Where the image lies on the screen."""
        return self._camera

    def set_camera(self, camera: Camera) -> None:
        """Pan or zoom."""
        self._fitted = False
        self._look_through(camera)

    def fit(self) -> None:
        """Show the whole image, also when the canvas changes its size."""
        self._fitted = True
        self._refit()

    @property
    def orientation(self) -> Orientation:
        """How the image is turned on the screen."""
        return self._camera.orientation

    def set_orientation(self, orientation: Orientation) -> None:
        """Turn or flip what is seen, about the middle of the view; every other image starts as stored."""
        camera = replace(self._camera, orientation=orientation)
        if self._fitted:
            self._camera = camera
            self._refit()
        else:
            self._look_through(camera)

    def one_to_one(self) -> None:
        """One image pixel on one pixel of the screen."""
        self.zoom_by(1.0 / self.zoom)

    @property
    def zoom(self) -> float:
        """Physical screen px per image px."""
        return self._camera.scale * self.devicePixelRatioF()

    def zoom_by(self, factor: float) -> None:
        """Zoom about the middle of the view."""
        self.set_camera(self._camera.zoomed(factor, QPointF(self._camera.view[0] / 2, self._camera.view[1] / 2)))

    def _look_through(self, camera: Camera) -> None:
        self._camera = camera
        self._view.set_camera(camera)
        self.view_changed.emit()

    def _refit(self) -> None:
        view = self._view.viewport().size()
        size = (float(max(view.width(), 1)), float(max(view.height(), 1)))
        if not self._fitted or self._session is None:
            self._look_through(self._camera.resized(size))
            return
        record = self._session.document.record
        spacing, _ = hud.calibration(record)
        aspect = spacing[0] / spacing[1] if spacing else 1.0
        self._look_through(Camera.fitted(size, (record.shape[1], record.shape[0]), aspect, self.orientation))

    def view_resized(self) -> None:
        """The view has another size: fit again, or keep the middle."""
        self._refit()

    # Painting

    def refresh(self, rect: QRectF | None = None) -> None:
        """Repaint a part of the view (logical px), or all of it."""
        self._view.repaint_part(rect)

    def grab_view(self) -> QImage:
        """What is seen, in the screen's resolution, without the proposal bar."""
        image: QImage = self._view.grab().toImage()
        return image

    def _facts(self, session: Session) -> hud.Facts:
        state = ""
        if self._look.heat_on and self._scene.heat is not None and self._heat_hidden():
            state = self._heat_hidden()
        elif self._scene.withheld and not self._scene.outlines:
            state = tr("No AI outline")
        heat = self._scene.heat.title if self._scene.heat is not None and self._heat_shown() else None
        bits = 8 * self._pixels.itemsize if self._pixels is not None else 8
        facts = hud.facts(session.document.record, session.frame, bits, state, self._look, self.zoom, heat)
        return replace(facts, name="") if self._nameless else facts

"""The application: owns QApplication, the theme, the way uncaught errors take, and the window's life.

Neither this module nor what it imports loads torch: the inference lane does, after the window has been painted.
"""

from __future__ import annotations

import builtins
import ctypes
import gc
import os
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QDeadlineTimer, QObject, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from busi_viewer import paths, settings
from busi_viewer.core.errors import UserError
from busi_viewer.core.ports import Services
from busi_viewer.gui import language, theme
from busi_viewer.gui.crash_review import CrashReview
from busi_viewer.gui.ending import SystemRequests
from busi_viewer.gui.problem import problem_from
from busi_viewer.gui.window import MainWindow
from busi_viewer.workflow import crashes

TURN_S = 0.0005
"""How long the window may have to wait while a thread that reads files runs Python; Python's own 5 ms are felt at every image."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of glibc's malloc.h."""
LARGE_BYTES = 1_000_000
"""What is larger has pages of its own; so much may stay free at the end of a heap."""
SHOWN_MS = 30_000
"""How long the self-test waits for the window's first image."""


class ErrorHook(QObject):
    """Takes uncaught exceptions on any thread: logs them there, then signals the GUI thread, and the program goes on."""

    caught = Signal(object)

    def install(self) -> None:
        """Become ``sys.excepthook`` and ``threading.excepthook``."""
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread

    def remove(self) -> None:
        """Put Python's own hooks back."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self.caught.emit(problem_from(error, "working"))

    def _on_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self.caught.emit(problem_from(args.exc_value, "working in the background"))


def import_plainly() -> None:
    """Put Python's own import back in place of PySide's, which reads the source of every imported module for ``__feature__``.

    We have no use for that, and it is not safe with several threads: pydantic then now and then fails to be imported.
    """
    builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)


def give_memory_back() -> None:
    """Let glibc hand large arrays back to the system once they are freed; elsewhere nothing is done.

    Left to itself it raises both limits with each larger array that is freed, up to 32 and 64 MB for every thread: images and
    heatmaps then tear the threads' heaps, and the process grows for hours.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, LARGE_BYTES)


def look_for_display() -> None:
    """Raise UserError where Qt would find no display, which ends the process without a word about what to do."""
    places = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(place) for place in places):
        raise UserError(
            "there is no display to show the window on",
            remedy="Start it in a desktop session. The commands in 'busi-viewer --help' need none.",
        )


def make_application(chosen: settings.Settings) -> QApplication:
    """The QApplication with name, fonts and theme; the one that exists if there is one. Raises UserError without a display."""
    look_for_display()
    import_plainly()
    give_memory_back()
    sys.setswitchinterval(TURN_S)
    QApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("busi_viewer")
    app.setApplicationDisplayName("busi_viewer")
    app.setDesktopFileName("busi-viewer")
    app.setWindowIcon(QIcon(str(paths.resource("icons", "busi-viewer.svg"))))
    QSettings.setPath(QSettings.Format.NativeFormat, QSettings.Scope.UserScope, str(paths.config_dir()))
    language.begin(chosen.language, app)
    theme.install(app)
    theme.apply(app, chosen.theme)
    return app


def run(services: Services, paths_given: Sequence[Path]) -> int:
    """Show the window with ``paths_given`` (files and folders) and stay until it closes; returns the exit status."""
    chosen = settings.load()
    app = make_application(chosen)
    crash_record = crashes.begin()
    window = MainWindow(services, chosen)
    hook, system = ErrorHook(), SystemRequests()
    try:
        hook.caught.connect(window.notices.show_problem)
        system.asked.connect(window.close)
        hook.install()
        review = CrashReview(window.notices, window)
        for later in (partial(crashes.describe, crash_record), review.offer, _keep_what_is_there):
            window.first_painted.connect(later)
        window.show()
        wanted = list(paths_given)
        QTimer.singleShot(0, lambda: window.open_paths(wanted))
        return app.exec()
    except BaseException:
        window.close()  # ends its threads, for which the process would wait without end
        raise
    finally:
        hook.remove()
        system.remove()
        crashes.end(crash_record)


def _keep_what_is_there() -> None:
    """The window stands: look for garbage from now on, and not in all that was made for it, which would hold up the reader."""
    gc.freeze()
    gc.enable()


def try_window(services: Services) -> None:
    """Show the window with the bundled study until its first image is in view, then close it. Raises UserError if it is not."""
    app = make_application(settings.load())
    window = MainWindow(services, settings.load())
    window.show()
    window.open_paths([paths.resource("sample")])
    deadline = QDeadlineTimer(SHOWN_MS)
    while window.reading.path is None and not deadline.hasExpired():
        app.processEvents()
    shown = window.reading.path is not None and not window.grab().isNull()
    window.close()
    if not shown:
        raise UserError("the window shows no image", path=paths.resource("sample"))

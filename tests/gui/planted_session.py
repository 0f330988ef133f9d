"""A window's session in which everything goes wrong: ``python planted_session.py FOLDER OUT PRIVATE``, ending in a crash.

Each error is raised with the patient's name in its message, in a slot and on every thread; after each the window must have
said so and go on. Words on stdout say how far it came.
"""

import ctypes
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog
from window_kit import ThresholdEngine, services

from busi_viewer import logs, settings
from busi_viewer.gui import app

FOLDER, OUT, PRIVATE = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "private"
NAME = FOLDER.name
TITLES = []


def fail(*_args, **_options):
    raise RuntimeError(f"{NAME} in {FOLDER}")


class Faulty(ThresholdEngine):
    def analyse(self, record, *args, **options):
        return fail() if "b_second" in record.path.name else super().analyse(record, *args, **options)


class Script:
    """Deeds and what must be said after each, one after the other."""

    def __init__(self, window):
        self.window, self.waiting = window, None
        original = window.notices._add

        def add(kind, title, *rest):
            TITLES.append(title)
            return original(kind, title, *rest)

        window.notices._add = add
        self.steps = iter(self.deeds())
        self.timer = QTimer(window)
        self.timer.timeout.connect(self.go)
        self.timer.start(20)
        self.stalled = QTimer(window)
        self.stalled.timeout.connect(self.stop)
        self.stalled.start(20_000)

    def go(self):
        if self.waiting is None or self.waiting():
            word, self.waiting = next(self.steps)
            sys.stdout.write(f"{word}\n")
            sys.stdout.flush()
            self.stalled.start()

    def stop(self):
        items = [(item.path.name, item.status) for item in self.window.model.items]
        sys.stderr.write(f"stalled: {TITLES}, {self.window.worklist.current()}, {self.window.reading.path}, {items}\n")
        os._exit(9)

    def told(self, words):
        seen = len(TITLES)
        return lambda: any(words in title for title in TITLES[seen:])

    def deeds(self):
        window, reading, act = self.window, self.window.reading, self.window.actions_
        path = {stem: FOLDER / f"{NAME}_{stem}.dcm" for stem in ("a_first", "b_second", "c_broken")}
        yield "open", lambda: reading.session is not None and window.keeping.writable
        act["analyse"].trigger()
        yield "analyse", lambda: reading.stage is None and reading.session.document.result is not None
        reading.session.accept()
        wait = self.told("Saved")
        act["report"].trigger()
        yield "report", wait
        wait = self.told("An error of the program")
        QTimer.singleShot(0, fail)
        yield "slot", wait
        wait = self.told("An error of the program")
        threading.Thread(target=fail).start()
        yield "thread", wait
        wait = self.told("An error of the program")
        window.exporter._services = replace(window.exporter._services, report_writer=fail)
        act["report"].trigger()
        yield "exporter", wait
        wait = self.told("" if PRIVATE else f"{NAME}_c_broken")
        window.worklist.select(path["c_broken"])
        yield "opener", wait
        window.worklist.select(path["b_second"])
        yield "second", lambda: reading.session is not None and reading.path == path["b_second"]
        wait = self.told("An error of the program")
        act["analyse"].trigger()
        yield "lane", wait
        wait = self.told("An error of the program")
        window.keeping.run(fail, lambda _none: None, self.pool_failed)
        yield "keeping", wait
        wait = self.told("internal error")
        window.keeping._store.commit = fail
        window.worklist.select(path["a_first"])
        yield "first", lambda: reading.path == path["a_first"] and reading.session is not None
        act["clear"].trigger()
        yield "keeper", wait
        window.repaint()
        yield "alive", lambda: window.isVisible()
        threading.Timer(0.5, ctypes.CDLL(None).abort).start()
        yield "crash", lambda: False

    def pool_failed(self, error):
        from busi_viewer.gui.problem import problem_from

        self.window.audit.problem.emit(problem_from(error, "asking the store"))


class Window(app.MainWindow):
    def __init__(self, *args):
        super().__init__(*args)
        self.script = Script(self)


def main():
    logs.set_up(verbose=True)
    settings.save(replace(settings.Settings(), privacy=PRIVATE))
    QFileDialog.getSaveFileName = lambda *_args: (str(OUT / f"{NAME}.pdf"), "")
    app.MainWindow = Window
    return app.run(services(Faulty()), [FOLDER])


if __name__ == "__main__":
    sys.exit(main())

"""A window in a process of its own that begins a training: python window_process.py JOB FOLDER; it stays until it is killed."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QApplication

from busi_viewer import bootstrap, settings
from busi_viewer.gui import theme
from busi_viewer.gui.training.work import RUN
from busi_viewer.gui.window import MainWindow
from busi_viewer.workflow import training_runs

job, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
app = QApplication([])
theme.install(app)
theme.apply(app, "dark")
window = MainWindow(bootstrap.services(), replace(settings.Settings(), window_size=(1200, 800)))
window.show()
window.actions_["training_page"].trigger()
window.training.book.work.do(RUN, lambda: training_runs.begin(job, folder))
app.exec()

"""The training's plots: lines as wide on a screen of any scale."""

import os
import subprocess
import sys

import pytest

LINE = """
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from busi_viewer.gui import theme
from busi_viewer.gui.training.curves import FIGURES, Plot, XyPlot
app = QApplication([])
theme.install(app)
theme.apply(app, "light")
plot, xy = Plot(FIGURES[1]), XyPlot("ROC", "x", "y")
plain = next(line for line in FIGURES[1].lines if not line.dashed)
plot.show_epochs([{"epoch": n, plain.key: 0.75} for n in range(1, 9)], 8)
xy.show_curve([0.0, 1.0], [0.5, 0.5], "")
for widget, tint in ((plot, plain.tint), (xy, "accent")):
    widget.resize(500, 260)
    widget.show()
    app.processEvents()
    picture = widget.plot.grab().toImage()
    wanted = QColor(getattr(theme.tokens(), tint)).name()
    x = int(picture.width() * 0.8)
    print(sum(picture.pixelColor(x, y).name() == wanted for y in range(picture.height())))
"""


@pytest.mark.parametrize("scale", [1, 3])
def test_curves_are_as_wide_at_any_scale(scale):
    surroundings = os.environ | {"QT_SCALE_FACTOR": str(scale), "QT_QPA_PLATFORM": "offscreen"}
    out = subprocess.run([sys.executable, "-c", LINE], env=surroundings, capture_output=True, text=True, check=True)
    for rows in map(int, out.stdout.split()):
        assert scale <= rows <= 2 * scale, out.stdout

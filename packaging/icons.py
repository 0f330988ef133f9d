"""Draw the application's icon in the sizes that desktops ask for: ``build/icons/SIZE.png``."""

from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

ROOT = Path(__file__).resolve().parents[1]
SIZES = (16, 24, 32, 48, 64, 128, 256, 512)


def main() -> None:
    """Write every size."""
    renderer = QSvgRenderer(str(ROOT / "resources" / "icons" / "busi-viewer.svg"))
    folder = ROOT / "build" / "icons"
    folder.mkdir(parents=True, exist_ok=True)
    for size in SIZES:
        image = QImage(size, size, QImage.Format.Format_ARGB32)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        renderer.render(painter, QRectF(0, 0, size, size))
        painter.end()
        image.save(str(folder / f"{size}.png"))


if __name__ == "__main__":
    main()

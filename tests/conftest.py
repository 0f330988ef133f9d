"""Every test run has its own folders: nothing of the user's settings, models or logs is read or written."""

import os
import shutil
import tempfile

from hypothesis import settings

_HOME = tempfile.mkdtemp(prefix="busi-viewer-tests-")
os.environ["BUSI_VIEWER_HOME"] = _HOME
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_unconfigure():
    shutil.rmtree(_HOME, ignore_errors=True)

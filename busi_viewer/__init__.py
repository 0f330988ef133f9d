"""busi_viewer: read, outline and explain breast-ultrasound images. Research use only."""

import sys

__version__ = "0.1.0"

# OpenVINO reports its use to its maker where this package lies beside it; without it OpenVINO reports nothing.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

"""The engine around the predictor: device, calibration, guard and heatmaps."""

from busi_viewer import nets as nets

"""The engine around the predictor: device, calibration, guard and heatmaps."""

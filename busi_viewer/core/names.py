"""What results are called: classes, tasks, methods. Free of numpy, for the command line's help."""

from __future__ import annotations

CLASSES = ("normal", "benign", "malignant")
"""The order of every probability vector and confusion matrix."""
TASKS = ("segmentation", "classification")
"""What a model may do; those that ship do both."""
GRAD_CAM = "Grad-CAM"
METHODS = (GRAD_CAM, "Grad-CAM++", "Eigen-CAM", "Layer-CAM")
"""How heatmaps are made; the first is what every analysis brings."""
LESION = "lesion"
"""What a heatmap is of that explains the outline and no class."""

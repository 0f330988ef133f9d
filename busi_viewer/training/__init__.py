"""Data sets, recipes and the training loop."""

from busi_viewer import nets as nets

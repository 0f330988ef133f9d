"""Data sets, recipes and the training loop."""

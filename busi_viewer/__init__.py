"""busi_viewer: read, outline and explain breast-ultrasound images. Research use only."""

__version__ = "0.1.0"

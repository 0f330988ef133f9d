"""Whole jobs run here with the small engine."""

from small_engine import engine, make_image, own_home, services  # noqa: F401

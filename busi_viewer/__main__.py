"""Entry point: ``python -m busi_viewer``, the console script and the frozen application."""

from __future__ import annotations

import multiprocessing
import sys

from busi_viewer import bootstrap


def main() -> int:
    """Run and return the exit code."""
    multiprocessing.freeze_support()
    return bootstrap.main()


if __name__ == "__main__":
    sys.exit(main())

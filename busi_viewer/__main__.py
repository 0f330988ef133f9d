"""Entry point: ``python -m busi_viewer``, the console script and the frozen application."""

from __future__ import annotations

import multiprocessing
import sys

from busi_viewer import bootstrap


def main() -> int:
    """Run and return the exit code."""
    multiprocessing.freeze_support()
    try:
        return bootstrap.main()
    except KeyboardInterrupt:  # before a command has begun or after it has ended; in between it says what it kept
        return 1


if __name__ == "__main__":
    sys.exit(main())

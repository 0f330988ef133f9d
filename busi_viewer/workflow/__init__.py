"""One verb a module; knows only core and settings."""

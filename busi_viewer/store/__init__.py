"""The case store: one SQLite file in WAL mode that holds readers' work and the record of who did what."""

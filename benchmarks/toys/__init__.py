"""Trivial steps for our engine: ``python -m benchmarks.toys chain|copies N FOLDER``."""

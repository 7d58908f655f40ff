"""Measured speed: one script per table, each with both sides of its ratios in one run. `make bench` runs all."""

"""Calibration images: sources, sampling, preprocessing, deterministic archives."""

"""Datasets, metrics, float against quantized."""

"""Exact, and less work: for every graph, or for the host."""

"""Exact, spelled as NPUs take it: what Pulsar2 refuses, gets wrong or does slowly. Each file has its evidence."""

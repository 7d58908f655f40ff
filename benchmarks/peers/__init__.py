"""Other post-training quantizers on the models that ours is measured on: ``python -m benchmarks.peers``."""

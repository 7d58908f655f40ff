"""Makes the quickstart's super-resolution network: ``python -m scripts.superres``."""

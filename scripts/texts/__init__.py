"""Makes the quickstart's text tower: ``python -m scripts.texts``."""

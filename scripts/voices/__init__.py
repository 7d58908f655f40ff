"""Makes the quickstart's detector of voices: ``python -m scripts.voices``."""

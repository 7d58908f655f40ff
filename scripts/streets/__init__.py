"""Makes the quickstart's data: `__main__.py` says how to run it, `scenes.py` draws, `train.py` trains."""

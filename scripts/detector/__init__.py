"""Makes the quickstart's detector: `__main__.py` says how to run it, `network.py` is the network."""

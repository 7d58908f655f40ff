"""The version of recipebuild, written here only: the package, the manifest and bundles read it.

It has a module of its own so that it counts in the key of each step whose result says it.
"""

__version__ = "0.2.0"

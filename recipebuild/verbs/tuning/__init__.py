"""The search for the smallest change of a recipe that brings what quantization loses below a limit. Pure."""

"""Drafts of recipes: what a model's own files say, and where each value comes from. Nothing heavy is imported."""

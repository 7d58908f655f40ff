"""Recipes: the model of what a YAML recipe may say, and loading one with errors that point at the line."""

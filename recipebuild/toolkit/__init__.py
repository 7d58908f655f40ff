"""What steps are made of: the libraries that do the work, each of which knows nothing of recipes."""

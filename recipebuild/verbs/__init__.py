"""A file for each verb: what the command line and Python callers call."""

"""The `recipebuild` command: parses, calls one function, prints."""

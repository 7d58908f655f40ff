"""One file per step: glue from the engine to the libraries below."""

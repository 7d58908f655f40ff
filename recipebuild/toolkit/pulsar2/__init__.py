"""Pulsar2: its configuration, finding the toolchain and running it."""

"""What a run leaves: the build folder, its manifest, its event log, accepted figures."""

"""``recipebuild ui``: the pages of all builds, served to this machine, with live progress of those that run.

serve(Builds(Path("build"), store.root), host="127.0.0.1", port=8765)
"""

"""The figures of steps that others read, one type a step: what the step returns, and what report, accept and tune read.

    return as_json(Layers(images=2, snr_db=31.5, agreement=0.99, worst=[]))     # in the step
    layers = read_figures(Layers, entry["metrics"])                             # in the report

Each is a module of its own that imports no step: a step's key covers it, and a figure that one step gains must not run
the others again. Rows among figures are typed dicts: plain JSON on both ends, with keys that mypy knows.
"""

"""The embedded host toolchain: Pulsar2's arithmetic in ONNX QDQ models, which ONNX Runtime runs.

    model = prepare(load(path), spec)
    plan = planned(model, [{"op_type": "Softmax", "data_type": "U16"}])
    measured = measure(baked(model, plan), plan, CalibrationSet(archive, spec), "MinMax")
    settled = settle(model, plan, group_ranges(plan, measured, "MinMax"))
    quantized = written(model, plan, settled)

``prepare`` makes a float model fit for it. ``planned`` says which tensor gets which parameters, and why, by the graph
alone; the rules are in ``precision`` (layer_configs), ``fusing``, ``sharing`` and ``constants``, the arithmetic in
``numbers``. ``measure`` runs the calibration set, ``settle`` turns ranges into scales and zero points, ``written`` puts
QuantizeLinear and DequantizeLinear where the plan says. What each field of Pulsar2's comes to: docs/quantization.md.
"""

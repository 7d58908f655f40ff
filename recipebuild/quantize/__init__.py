"""The embedded host toolchain: ONNX Runtime QDQ quantization.

    model = prepare(load(path), spec)
    ranges = calibrate(model, CalibrationSet(archive, spec), "MinMax")
    quantized = insert_qdq(model, ranges)

``prepare`` makes a float model fit for it, ``calibrate`` gives each activation its range, ``insert_qdq`` turns ranges
into scales, zero points and quantized weights.
"""

"""Where quantization loses accuracy: a QDQ model against the float model that it was made from, layer by layer.

    twins = find_twins(model, quantized)
    errors = layer_errors(model, quantized, twins, batches)      # of each tensor: cosine, SNR, MSE, range, outliers
    groups = blocks(modules, multiply_adds)                      # layers by the modules that they come from
    effects = sensitivity(model, quantized, twins, groups, batches)

It knows nothing of how the quantized model was made: any with QuantizeLinear and DequantizeLinear will do.
"""

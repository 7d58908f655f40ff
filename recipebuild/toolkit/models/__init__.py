"""Loading Hugging Face models and exporting them to ONNX."""

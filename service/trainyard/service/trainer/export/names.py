"""What the formats are called on the command line. Imports nothing: ``--help`` must not wait for Keras."""

KERAS, SAVED_MODEL, ONNX = "keras", "saved-model", "onnx"
FORMATS = (KERAS, SAVED_MODEL, ONNX)

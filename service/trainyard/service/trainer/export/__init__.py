"""A trained model in the formats that others serve: Keras' own, TensorFlow's SavedModel, ONNX."""

"""What a model looks like inside: output shapes and parameters, without Keras."""

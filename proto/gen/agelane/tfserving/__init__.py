"""TensorFlow Serving's messages under names of their own."""

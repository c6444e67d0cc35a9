"""The embedded TensorFlow model server: tensorflow.serving where no container runs.

It speaks `tensorflow.serving.PredictionService` and `ModelService`, reads the config files of
TensorFlow Serving and takes its flags, so either server can stand behind the gateway.
This package is the only part of `agelane_serving` that imports TensorFlow.
"""

"""The commands of ``python -m agelane_trainer``, one file each.

Each has ``add(commands)``, which describes the command, and runs it with imports that wait until
then, so that ``--help`` needn't load TensorFlow.
"""

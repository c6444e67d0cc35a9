"""What the load test tells the servers, and what all of them are set to."""

MODEL_VARIABLE = "AGELANE_PEERS_MODEL"
"""Environment variable: folder of the SavedModel."""
BATCH_VARIABLE = "AGELANE_PEERS_BATCH"
"""Environment variable: most photos in a batch."""
AT_ONCE = 2
"""Batches at once, each on one core: one for each core of the machine measured."""
WAIT_SECONDS = 0.01
"""For a batch to fill. Ours and BentoML let photos gather while others are computed, so that nobody
waits for a batch; the others hand each on after this time, full or not."""

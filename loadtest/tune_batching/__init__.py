"""Which batching.config suits a machine best, by measuring it."""

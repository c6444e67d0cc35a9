"""Open loop: customers come when they come, whether the last one was answered or not."""

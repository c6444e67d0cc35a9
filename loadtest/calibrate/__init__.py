"""Whether the load test measures what is there: against queues whose every wait is known."""

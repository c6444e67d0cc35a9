"""Who calls, what they may do, what an assessment token proves, and TLS."""

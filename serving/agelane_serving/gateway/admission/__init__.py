"""Who may call now, who waits, and who is sent away at once."""

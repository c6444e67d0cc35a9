"""What an operator sees: logs, health."""

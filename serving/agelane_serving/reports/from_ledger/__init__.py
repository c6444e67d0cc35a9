"""What reports need of a ledger, read from its database."""

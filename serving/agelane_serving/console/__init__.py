"""The manager's pages, in a process of their own: they read the ledger and ask the gateway."""

"""One program for each model server; each runs in an environment of its own."""

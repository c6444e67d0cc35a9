"""Model server and gateway together on this machine, for development, tests and the demo."""

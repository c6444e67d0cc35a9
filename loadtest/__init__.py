"""Load on a running stack, from checkout lanes that use the real SDK."""

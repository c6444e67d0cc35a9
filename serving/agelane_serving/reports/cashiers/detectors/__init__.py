"""One detector a kind of alert: each looks at all cashiers and returns a `Finding`."""

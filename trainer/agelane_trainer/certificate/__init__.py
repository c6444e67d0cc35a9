"""The promise about under-age customers: how small P(under age) must be for a sale."""

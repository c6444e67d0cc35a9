"""How good weights are, and making their probabilities mean what they say."""

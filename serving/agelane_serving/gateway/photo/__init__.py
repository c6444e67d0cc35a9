"""What a till sends: checked from its header alone, then turned upright."""

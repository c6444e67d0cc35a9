"""What happened at the tills: durable, once each, and chained, so that no change goes unnoticed."""

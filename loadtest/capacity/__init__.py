"""How many lanes a machine carries within its objective."""

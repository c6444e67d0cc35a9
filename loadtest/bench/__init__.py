"""How much the gateway costs, beside a bare hop in the same run."""

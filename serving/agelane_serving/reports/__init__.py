"""What managers are told: cashier by cashier, age group by age group."""

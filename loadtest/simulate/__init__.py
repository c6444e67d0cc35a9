"""A chain of shops whose truth is known: judge of the reports, and demo data of the console."""

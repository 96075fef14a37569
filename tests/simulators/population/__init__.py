"""A strict population database on loopback, as docs/population.md has it: for tests alone. Its people are invented."""

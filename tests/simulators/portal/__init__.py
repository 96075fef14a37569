"""A strict public service portal on loopback, as docs/portal.md has it: for tests alone."""

"""Operators: the state of kiosks and of what could not be read. No stay and no person."""

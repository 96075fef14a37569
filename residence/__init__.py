"""The field's words, rules and wire contracts. Pure: no disk beyond its own data files, no network, clock or thread."""

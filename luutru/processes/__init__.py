"""The composition roots of the three processes."""

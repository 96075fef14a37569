"""The conversation with the person, and its local page."""

"""Invented cards before an invented camera, so that everything behind the lens is real."""

"""Simulated hardware that ships with the product, so that it can be tried without any."""

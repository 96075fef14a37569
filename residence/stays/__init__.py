"""Stays: what is declared, by when, and how it fits what the registry knows."""

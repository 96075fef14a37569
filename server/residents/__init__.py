"""Residents and guests: a receipt checked by its code, without an account."""

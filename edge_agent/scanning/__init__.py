"""Codes from grey pictures: which decoders are tried, in which order, and when a code counts as newly shown."""

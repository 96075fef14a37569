"""Typed kiosk profiles."""

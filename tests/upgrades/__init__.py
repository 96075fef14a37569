"""Versions beside each other: kiosk, gateway, server and tables of two commits, as they meet while a fleet is upgraded."""

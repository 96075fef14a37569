"""The kiosk's voice: what is said on a screen, and where the sound comes from."""

"""The machine-readable zone from grey pictures: where its lines stand, which signs they hold, what the check digits say to it."""

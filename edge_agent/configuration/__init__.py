"""A kiosk's own configuration: fetched from the authority, tried, kept or taken back."""

"""A fleet's configuration, signed by those who may: The Update Framework's metadata over one small document for each kiosk."""

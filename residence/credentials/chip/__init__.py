"""What an ICAO 9303 chip says and how far it can be believed: parsing, signatures, trust; pure, the same on kiosk, gateway and server."""

"""How a kiosk talks to an ICAO 9303 chip: commands, secure messaging, access, authentication, files; pure over one method."""

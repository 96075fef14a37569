"""Other authorities' systems: one port, one connector per authority, one way of sending for all of them."""

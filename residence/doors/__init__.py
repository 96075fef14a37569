"""Doors as every part of the product speaks of them: the words and states of BACnet access objects."""

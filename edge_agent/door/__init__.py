"""The door a kiosk opens: who may pass, what the lock does, what is remembered of it."""

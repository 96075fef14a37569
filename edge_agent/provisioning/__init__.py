"""How a machine becomes a kiosk, stays one, and ends being one."""

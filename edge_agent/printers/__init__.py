"""Printers of slips: what a slip says and looks like, and the device that prints it."""

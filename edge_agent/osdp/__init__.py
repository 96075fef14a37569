"""Card readers on RS-485 that speak OSDP (IEC 60839-11-5)."""

"""Guided paths: how somebody without papers, a newborn, somebody nowhere registered comes onto the books, without being suspected of anything."""

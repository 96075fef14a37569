"""Continuous backups and the drill that proves them: pgBackRest for PostgreSQL, the write-ahead log shipped for SQLite."""

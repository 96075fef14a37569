"""The residence registry at rest: SQLite embedded, PostgreSQL beyond."""

"""The Dockerfile without an engine: read instruction by instruction, and its own lines really run in rooms of Debian 12."""

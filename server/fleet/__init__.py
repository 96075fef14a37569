"""What machines ask of the web process for themselves; no page and no cookie."""

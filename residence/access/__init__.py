"""Who may read which field, for which purpose."""

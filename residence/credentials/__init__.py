"""From the bytes a reader saw to a person with an evidence level."""

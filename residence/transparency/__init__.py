"""The log of looks as mathematics and formats: what stands in it, how it is signed, how anybody checks it. No disk, no network."""

"""The whole product on one machine, with an invented commune."""

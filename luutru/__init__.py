"""The one command and the composition roots: the only package that reads the environment, the clock and randomness."""

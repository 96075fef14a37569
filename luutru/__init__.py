"""The one command and the composition roots: the only package that reads the environment, the clock and randomness."""

from typing import Final

__version__: Final = "0.2.0.dev0"

"""What inspectors of a commune work with: looks officers were asked about, and second views of closed cases. No name of anybody looked at."""

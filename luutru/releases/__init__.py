"""What a release is: a wheel built the same twice, what is in it, and a signed list of its files."""

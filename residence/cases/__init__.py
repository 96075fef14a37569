"""What an officer works on, and which step may follow which."""

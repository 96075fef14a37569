"""The commune's police: who is undeclared and why, and stays by premises. Names only inside a claimed case."""

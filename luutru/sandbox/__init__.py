"""Other authorities' systems played on this machine, for tests and for whoever writes against them: strict, and never a real one."""

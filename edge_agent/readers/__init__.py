"""One module per kind of reader, behind one small port."""

"""Taking over what an authority already has: premises, households, residents and old-number links from CSV, XLSX and Parquet.

- Reading is tolerant (encodings, lost zeros, date cells, words), the result is strict: a row is taken whole or set aside with every reason.
- What was set aside comes back as a file with the same columns, the reasons beside; corrected, it is fed again.
- A batch of rows is one transaction together with the note that it is in: whoever kills an import runs it again, nothing is doubled.
- One path: the dry run does all of it and rolls back; the invented city comes in by the same way.

Example: ``import_file(registry, read_file(path, mapping), mapping, means)``
"""

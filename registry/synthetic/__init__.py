"""An invented commune or city of any size: families at addresses with moves, planted duplicates and errors, and the truth kept apart.

- Deterministic: the same number of persons and the same seeded generator give the same city. It comes in parts; nothing is remembered
  but how many numbers of each prefix are given.
- Nobody exists. Words are common ones; numbers agree with sex, birth year and a real place of birth registration; none is given twice.
- What a register would hold is in ``records`` and ``residences``; who is really whom, and what was planted, is only in ``truth``.

Example: ``for part in city(1_000_000, generator_of(7)): part.records.write_parquet(...)``
"""

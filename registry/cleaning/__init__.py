"""Looking after the register: what disagrees is found page by page, listed without names, decided by a person and taken back by one.

- ``passing.py`` goes through households, premises and persons; ``at_places.py`` and ``at_persons.py`` judge a page by set queries;
  ``opened_values.py`` opens what must be compared in memory; ``keeping.py`` writes items; ``deciding.py`` is a person's turn.

Example: ``run_passes(registry, choices=CleaningChoices(), now=now, random_bytes=random_bytes, whole=False)``
"""

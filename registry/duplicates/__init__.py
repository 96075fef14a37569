"""Who may be in the registry twice: pairs of persons proposed to a person, never merged by a machine.

- ``comparisons.py`` and ``settings.py`` say what is compared and how, once for every engine; ``model.json`` holds what was learned.
- ``reading.py`` opens persons in memory; ``private_engine.py`` keeps them there; ``pairing.py`` runs Splink; ``proposals.py`` writes pairs.

Example: ``search(registry, model=load_model(), ...)``
"""

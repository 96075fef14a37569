"""The scoreboard: the four words of the register and coverage, counted by commune, kept by day, published without small cells.

Example: ``keep_day(registry, now=now)``
"""

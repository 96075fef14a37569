"""What is declared at one premises, for a comparison with the house's own list (``residence/stays/in_house.py``).

- Numbers are opened for the comparison only and never leave it: the list brings a number, the answer is who among those declared here holds
  it. Whoever asks with a number learns nothing about anybody who is not declared in their own house.
- A document is compared by its number alone: a house seldom writes down who issued it.

Example: ``holders_among(connection, {stay.person_id for stay in stays}, vault=vault)["001095000117"]``
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from registry.persons import matching_persons
from registry.vault import Vault


def bare_number(text: str) -> str:
    """Return a number as it is compared: letters and digits, capitals."""
    return "".join(sign for sign in text.upper() if sign.isalnum())


def holders_among(connection: Connection, person_ids: Iterable[str], *, vault: Vault) -> dict[str, frozenset[str]]:
    """Return which of these people hold each number: bare number -> person ids."""
    found: dict[str, set[str]] = {}
    for person in matching_persons(connection, person_ids, vault=vault):
        for number in person.known.numbers:
            found.setdefault(bare_number(number.value.rpartition(":")[2]), set()).add(person.known.person_id)
    return {number: frozenset(people) for number, people in found.items()}

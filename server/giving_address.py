"""Giving an address for messages, for the two pages that do: a person's own and a house's.

- The whole address is shown to nobody, not to its owner either: a page that is left open tells little.

Example: ``wrong = change_address(server, form, given=AddressGiven(...))``
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from registry.contact_points import AddressGiven, Contact, addresses_of, give_address, take_back_address
from residence.errors import Conflict, Malformed, Problem, Refused, problem
from server.wiring import Server


def change_address(server: Server, form: Mapping[str, str], *, given: AddressGiven) -> Problem | None:
    """Give an address or take it back, as the form says; returns what is wrong with it."""
    try:
        with server.registry.writing() as connection:
            if form.get("action") == "take_back":
                take_back_address(connection, given.subject_id)
                return None
            said = msgspec.structs.replace(given, address=form.get("address", ""))
            give_address(connection, said, vault=server.registry.vault, now=server.clock.now(), random_bytes=server.random_bytes)
    except (Malformed, Conflict, Refused) as error:
        if not error.code.startswith("contact."):
            raise
        return problem(error.code, error.pointer)
    return None


def addresses(server: Server, subject_id: str) -> list[Contact]:
    """Return what stands, the confirmed address first."""
    with server.registry.reading() as connection:
        return addresses_of(connection, subject_id, vault=server.registry.vault)

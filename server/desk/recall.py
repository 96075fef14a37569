"""A guest who was here before: their form is filled in from the statement they agreed to have used again, and from no other.

- Found by a number the guest shows: the personal number, the old number, or a passport's with its country.
- Only at the house where they agreed, and only while they do (``registry/recall_consents.py``).
- What was checked of the card then is not checked now: the evidence begins anew as *stated*.
- Numbers and the home address are declared as kept and not shown.

Example: ``recalled_card(server, premises, declaration_id=form["recalled"])``
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from registry.declarations import declaration_row, open_declaration
from registry.persons import search_by_number
from registry.recall_consents import end_consents, give_consent, is_recallable, recallable
from registry.receipts import StoredReceipt, receipts_by_id
from residence.credentials.evidence import Evidence, EvidenceLevel, Reading
from residence.people.person import Document, DocumentKind
from residence.places.premises import Premises
from residence.stays.known import document_key
from server.desk.shown_cards import ShownCard, card_of, place_of, shown_card
from server.policy import Account
from server.wiring import Server

STATED: Final = Evidence(level=EvidenceLevel.STATED, source="typed", reader="desk:recalled")
_JUST_NOW: Final = timedelta(microseconds=1)


def card_of_form(server: Server, premises: Premises, form: Mapping[str, str]) -> ShownCard | None:
    """Return what a submitted form was filled in from besides its own fields: a card shown here, or a guest recalled."""
    shown = shown_card(server, premises, presence_id=form.get("shown", ""))
    return shown or recalled_card(server, premises, declaration_id=form.get("recalled", ""))


def find_guest(server: Server, premises: Premises, *, number: str, country: str) -> ShownCard | None:
    """Return the guest who holds a number and agreed here; None for everybody else."""
    with server.registry.reading() as connection:
        people = _holders(server, connection, number=number, country=country)
        found = recallable(connection, place_of(premises), people, now=server.clock.now())
    return recalled_card(server, premises, declaration_id=found) if found else None


def recalled_card(server: Server, premises: Premises, *, declaration_id: str) -> ShownCard | None:
    """Return what a guest who agreed here declared then; None when they did not, or were erased."""
    if not declaration_id:
        return None
    with server.registry.reading() as connection:
        row = declaration_row(connection, declaration_id)
        agreed = is_recallable(connection, place_of(premises), declaration_id, now=server.clock.now())
        if row is None or not agreed:
            return None
        keys = server.registry.vault.load_keys(connection, {row.subject_id})
        opened = open_declaration(row, keys=keys, vault=server.registry.vault)
    if opened is None:
        return None
    return card_of(declaration_id, Reading(person=opened.declaration.person, evidence=STATED), kind="recalled")


def note_consent(server: Server, account: Account, premises: Premises, *, form: Mapping[str, str], declaration_id: str) -> None:
    """Keep the guest's word about being recalled, as the form has it; nothing when the statement was refused."""
    agrees, recalled = form.get("recall") == "yes", form.get("recalled", "")
    if not agrees and not recalled:
        return
    now, place = server.clock.now(), place_of(premises)
    with server.registry.writing() as connection:
        receipt: StoredReceipt | None = receipts_by_id(connection, [declaration_id]).get(declaration_id)
        row = declaration_row(connection, declaration_id)
        if receipt is None or receipt.state == "refused" or row is None or row.premises_id != premises.premises_id:
            return
        if row.person_id:
            end_consents(connection, row.person_id, premises_id=premises.premises_id, now=now, before=now + _JUST_NOW)
        if agrees:
            give_consent(connection, place, declaration_id, account_id=account.account_id, now=now)


def _holders(server: Server, connection: Connection, *, number: str, country: str) -> set[str]:
    bare = "".join(number.split()).replace(".", "").upper()
    passport = document_key(Document(kind=DocumentKind.PASSPORT, number=bare, issuer=country.strip().upper() or "VNM"))
    kinds = (("personal", bare), ("old", bare), ("document", passport or ""))
    vault = server.registry.vault
    return {who for kind, value in kinds if value for who in search_by_number(connection, kind, value, vault=vault)}

"""A card that the desk's kiosk read, as the clerk's form takes it: what is filled in, what is kept unseen, which others wait.

- The form is filled with what the clerk's purpose releases; numbers and the home address are kept as read while their fields are left empty.
- The reading itself stays in the registry: a form names it by id, and it is opened again when the form is sent, so its evidence cannot be made up.
- A card is offered for a while (``FRESH``); after it, whoever it is of still stands on tonight's list until declared or said to be a visitor.

Example: ``/desk/declare?premises=htl-sao-mai&shown=<id>``
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, Literal

import msgspec

from registry.desk_lists import Place
from registry.release import Look, mask
from registry.shown_cards import WaitingCard, cards_since, note_look, open_shown
from residence.access.purposes import Purpose, released_fields
from residence.credentials.evidence import Reading
from residence.places.premises import Premises
from server.desk.guest_form import form_of
from server.desk.withheld import filled, kept, shown
from server.policy import Account
from server.wiring import Server

FRESH: Final = timedelta(minutes=20)
RELEASED: Final = released_fields("clerk", Purpose.DECLARE_GUEST)


class ShownCard(msgspec.Struct, frozen=True, kw_only=True):
    """One card, or one guest recalled: the fields a form shows, those it keeps, and the reading both come from."""

    presence_id: str  # of a guest who was recalled: the statement they agreed to have used again
    kind: Literal["shown", "recalled"] = "shown"
    reading: Reading
    fields: dict[str, str]
    kept: Mapping[str, str]
    number_shown: str


def waiting_cards(server: Server, premises: Premises) -> tuple[WaitingCard, ...]:
    """Return the cards read lately whose holders are not declared yet."""
    with server.registry.reading() as connection:
        return tuple(cards_since(connection, place_of(premises), since=server.clock.now() - FRESH))


def shown_card(server: Server, premises: Premises, *, presence_id: str) -> ShownCard | None:
    """Return a card that was read at this desk; None when it is gone or was never there. Nobody is shown anything by it."""
    if not presence_id:
        return None
    with server.registry.reading() as connection:
        read = open_shown(connection, presence_id, place_of(premises), vault=server.registry.vault)
    if read is None:
        return None
    return card_of(presence_id, Reading(person=read.person, evidence=read.evidence))


def card_of(own_id: str, reading: Reading, *, kind: Literal["shown", "recalled"] = "shown") -> ShownCard:
    """Return a reading as a form takes it."""
    form = form_of(reading.person)
    number = reading.person.personal_number
    return ShownCard(
        presence_id=own_id,
        kind=kind,
        reading=reading,
        fields={name: value for name, value in shown(form, RELEASED).items() if value},
        kept={name: value for name, value in kept(form, RELEASED).items() if value},
        number_shown=mask(number) if number else "",
    )


def look_at_shown(server: Server, account: Account, premises: Premises, *, presence_id: str) -> ShownCard | None:
    """Return a card to be shown to the clerk, the look on the record."""
    card = shown_card(server, premises, presence_id=presence_id)
    if card is not None:
        note_shown(server, account, premises, card)
    return card


def note_shown(server: Server, account: Account, premises: Premises, card: ShownCard) -> None:
    """Put on the record that the clerk was shown a card's fields."""
    look = Look(
        account_id=account.account_id,
        role="clerk",
        purpose=Purpose.DECLARE_GUEST,
        commune_code=account.commune_code,
        about=premises.premises_id,
    )
    with server.registry.writing() as connection:
        note_look(
            connection,
            card.reading.person,
            premises_id=premises.premises_id,
            look=look,
            vault=server.registry.vault,
            now=server.clock.now(),
            random_bytes=server.random_bytes,
        )


def with_shown(form: Mapping[str, str], card: ShownCard | None) -> dict[str, str]:
    """Return the submitted form with what it keeps of the card."""
    return dict(form) if card is None else filled(form, card.kept, reason="")


def place_of(premises: Premises) -> Place:
    """Return a premises as the registry's lists know it."""
    return Place(premises.commune_code, premises.premises_id)

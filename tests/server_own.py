"""A resident's account bound to a person who is a guest at the hotel, what they say is wrong, and the link a house is sent, for pages."""

from __future__ import annotations

import re
import secrets

from sqlalchemy import select, update

from registry import tables
from registry.disputing import raise_dispute
from registry.households import Registration, add_residences
from residence.access.purposes import Field


def bind_resident(world) -> str:
    """Declare the usual guest and bind the resident's account to them; returns the person's id."""
    world.declare_guest()
    with world.registry.writing() as connection:
        row = connection.execute(tables.stays.select()).first()
        mine = tables.accounts.c.account_id == "acc-resident"
        connection.execute(update(tables.accounts).where(mine).values(person_id=row.person_id))
    return row.person_id


def say_it_is_wrong(world) -> str:
    """Let the resident say that their name is wrong; returns the dispute's id."""
    with world.registry.writing() as connection:
        person_id = connection.scalar(select(tables.accounts.c.person_id).where(tables.accounts.c.account_id == "acc-resident"))
        return raise_dispute(
            connection,
            person_id,
            Field.FULL_NAME,
            by="acc-resident",
            reason="the card says otherwise",
            now=world.clock.now(),
            random_bytes=secrets.token_bytes,
        )


def link_to_house(world) -> str:
    """Return the link of the latest notice's message to its house, as the house is sent it."""
    messages = tables.messages.c
    query = select(messages.message_id).where(messages.kind == "notice", messages.recipient == "premises")
    with world.registry.reading() as connection:
        message_id = connection.scalar(query.order_by(messages.created_at.desc(), messages.message_id.desc()).limit(1))
    return f"/n/{message_id}/{world.vault.link_proof(message_id)}"


def live_at_home(world, person_id) -> None:
    """Register the resident in apartment 1203 of the block."""
    home = Registration(person_id=person_id, premises_id="blk-hoa-binh", unit="1203", kind="permanent", valid_from="2020-01-01")
    with world.registry.writing() as connection:
        add_residences(connection, [home], commune_code="demo-01", now=world.clock.now(), random_bytes=secrets.token_bytes)


def form_to(page: str, address: str) -> dict[str, str]:
    """Return the fields of the form that is sent to an address, as the page shows it."""
    form = re.search(rf'<form[^>]*action="{address}".*?</form>', page, re.DOTALL)[0]
    fields = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*? value="([^"]*)"', form))
    for name, block in re.findall(r'<select[^>]*name="(\w+)"(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', block)
        fields[name] = chosen[1] if chosen else ""
    return fields

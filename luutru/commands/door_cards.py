"""``luutru door card``, ``cards``, ``revoke-card``, ``permit``: cards beside a stay's pass, and the word that a reader may get its key.

- A card's number is written as ``luutru kiosk reader watch`` shows it; a new token is drawn here and shown once, to be written to a card or phone.
- A number opens only doors that take numbers (``doors.least = "card-number"``); a token opens all.
- A permit answers the number that a kiosk shows, and nothing else.

Example: ``luutru door card STAY wiegand:26:05181cc0 --pin``
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from luutru.commands.door_answers import answering, changing
from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption

StayArgument = Annotated[str, typer.Argument(help="Id of the stay, as the desk's page shows it.")]


def put_card(
    stay: StayArgument,
    card: Annotated[str, typer.Argument(help="The card: format, bits, hexadecimal; 'new' draws a token.")] = "new",
    *,
    pin: Annotated[bool, typer.Option("--pin", help="Draw a PIN that must go with it, and show it once.")] = False,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Let a card open what a stay's pass opens, for as long as that.

    Example: luutru door card STAY wiegand:26:05181cc0
    """
    from luutru.system import random_bytes, system_clock
    from registry.door_cards import add_card
    from residence.doors.cards import TOKEN_BITS, card_number, parse_card

    drawn = f"{int.from_bytes(random_bytes(8), 'big') % 1_000_000:06d}" if pin else None
    with answering(json=json) as answer, changing(registry, vault) as (_, connection):
        number = card_number("raw", TOKEN_BITS, random_bytes(TOKEN_BITS // 8)) if card == "new" else parse_card(card)
        held = add_card(connection, stay, card=number, pin=drawn, now=system_clock().now(), random_bytes=random_bytes)
        answer.update({"card_id": held.card_id, "kind": held.kind})
        answer.update({"token": number.data.hex()} if card == "new" else {"number": number.number})
        answer.update({"pin": drawn} if drawn else {})


def list_cards(
    stay: StayArgument,
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """List the cards of a stay; their numbers are not kept.

    Example: luutru door cards STAY
    """
    from registry.door_cards import cards_of

    with answering(json=json) as answer, changing(registry, vault) as (_, connection):
        answer["cards"] = msgspec.to_builtins(cards_of(connection, stay))


def take_card(
    card_id: Annotated[str, typer.Argument(help="Id of the card, as 'luutru door cards' shows it.")],
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Take a card away: lost, stolen, given back. Kiosks know within seconds.

    Example: luutru door revoke-card 0197f000-0000-7000-8000-000000000001
    """
    from luutru.system import system_clock
    from registry.door_cards import revoke_card

    with answering(json=json) as answer, changing(registry, vault) as (_, connection):
        revoke_card(connection, card_id, now=system_clock().now())
        answer["card_id"] = card_id


def permit_reader(
    site: Annotated[str, typer.Argument(help="Id of the premises.")],
    kiosk: Annotated[str, typer.Argument(help="Id of the kiosk.")],
    reader: Annotated[str, typer.Argument(help="Name of the reader in the kiosk's profile.")],
    challenge: Annotated[str, typer.Argument(help="The number the kiosk shows: 16 hexadecimal digits.")],
    *,
    keys: Annotated[Path, typer.Option("--keys", envvar="LUUTRU_KEYS", help="Directory with door-list*.key.")] = Path("keys"),
    json: JsonOption = False,
) -> None:
    """Permit a kiosk to give one reader a new key, in answer to the number it shows.

    Example: luutru door permit blk-hoa-binh kiosk-lobby-1 lobby-outside 6f2c0d1e9a4b7788
    """
    from luutru.keys import key_files, read_signing_key
    from luutru.system import system_clock
    from residence.errors import Malformed, Refused
    from residence.wire.reader_permit import CHALLENGE_BYTES, PermitFor, sign_permit

    with answering(json=json) as answer:
        files = key_files(keys, "door-list")
        if not files:
            raise Refused("key.file_missing", "/keys", str(keys / "door-list.key"))
        try:
            drawn = bytes.fromhex(challenge)
        except ValueError:
            drawn = b""
        if len(drawn) != CHALLENGE_BYTES:
            raise Malformed("door.permit_malformed", "/challenge", challenge)
        wanted = PermitFor(site=site, kiosk_id=kiosk, reader=reader, challenge=drawn)
        answer["permit"] = sign_permit(wanted, read_signing_key(files[-1], use="door-list"), now=system_clock().now())

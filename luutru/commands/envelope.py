"""``luutru envelope``: seal and open envelopes with throw-away keys, to try another implementation against ours.

- Keys come from a phrase everybody may know (luutru/throwaway.py); nothing sealed here is secret, and no kiosk trusts these keys.
- ``seal`` reads one message (JSON) and prints the envelope; ``open`` reads an envelope (hex, base64 or bytes) and prints what is inside
  or the code of the refusal.

Example: ``luutru envelope seal --json < declaration.json | luutru envelope open --json``
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import msgspec
import typer

from luutru import system

if TYPE_CHECKING:
    from residence.errors import LuutruError
    from residence.wire.header import Header

app = typer.Typer(no_args_is_help=True, help="Seal and open envelopes with throw-away keys.")

File = Annotated[Path | None, typer.Option(help="Read from this file instead of stdin.")]
Phrase = Annotated[str, typer.Option(help="The public phrase the throw-away keys are made from.")]
KioskId = Annotated[str, typer.Option("--kiosk", help="The kiosk that speaks.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DEFAULT_PHRASE = "these keys are public and protect nothing"
DEFAULT_KIOSK = "kiosk-lobby-1"


@app.callback()
def envelope() -> None:
    """Try the envelope format (docs/wire.md) with keys that protect nothing."""


@app.command()
def seal(
    *,
    file: File = None,
    phrase: Phrase = DEFAULT_PHRASE,
    kiosk: KioskId = DEFAULT_KIOSK,
    schema: Annotated[str, typer.Option(help="The message's schema.")] = "stay-declaration/1",
    sequence: Annotated[int, typer.Option(min=1, help="The number in the sequence.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Seal one message. Without --json only the hex of the envelope is printed.

    Example: luutru envelope seal --json --file declaration.json
    """
    from residence.errors import LuutruError

    message = _input(file)
    try:
        data = _seal(message, phrase=phrase, kiosk=kiosk, schema=schema, sequence=sequence)
    except LuutruError as error:
        _refuse(error, as_json=as_json)
    from residence.wire.envelope import read_header

    text = {"ok": True, "envelope": data.hex(), "header": _header(read_header(data)), "problems": []}
    typer.echo(json.dumps(text, ensure_ascii=False) if as_json else data.hex())


@app.command("open")
def open_(
    *,
    file: File = None,
    phrase: Phrase = DEFAULT_PHRASE,
    kiosk: KioskId = DEFAULT_KIOSK,
    at: Annotated[str | None, typer.Option(help="Judge the keys at this time (RFC 3339) instead of now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Verify and open one envelope: hex, base64, raw bytes, or what ``seal --json`` printed.

    Example: luutru envelope open --json --file envelope.hex
    """
    from luutru.throwaway import throwaway_keys
    from residence.clock import parse_instant
    from residence.errors import LuutruError
    from residence.wire.envelope import EnvelopeOpener, verify_envelope
    from residence.wire.messages import decode_message

    keys = throwaway_keys(phrase, kiosk_id=kiosk)
    try:
        instant = parse_instant(at) if at else system.SystemClock().now()
        verified = verify_envelope(_bytes(_input(file)), keyring=keys.keyring, at=instant)
        opened = EnvelopeOpener([keys.seal]).open(verified)
        decode_message(opened.header.schema, opened.message_json)
    except LuutruError as error:
        _refuse(error, as_json=as_json)
    # The body goes out as it came: a number too long for Python is still what was sealed.
    answer = {"ok": True, "header": _header(opened.header), "body": msgspec.Raw(opened.message_json), "problems": []}
    typer.echo(msgspec.json.format(msgspec.json.encode(answer), indent=-1 if as_json else 2).decode())


def _seal(message: bytes, *, phrase: str, kiosk: str, schema: str, sequence: int) -> bytes:
    from luutru.throwaway import throwaway_keys
    from residence.clock import rfc3339
    from residence.wire.datakey import DataKey
    from residence.wire.envelope import Draft, Times, seal_envelope
    from residence.wire.messages import decode_message

    keys = throwaway_keys(phrase, kiosk_id=kiosk)
    clock = system.SystemClock()
    now = clock.now()
    statement: Any = decode_message(schema, message)
    epoch = _uuid()
    key = DataKey(
        system.random_bytes(32),
        data_key_id=system.random_bytes(16).hex(),
        recipient=keys.keyring.current("seal", at=now),
        kiosk_id=kiosk,
        epoch=epoch,
    )
    times = Times(boot_id=system.boot_id(), monotonic_ns=clock.monotonic_ns(), wall=rfc3339(now), time_state="rtc_only")
    draft = Draft(
        kiosk_id=kiosk,
        epoch=epoch,
        sequence=sequence,
        declaration_id=_declaration_id(statement),
        schema=schema,
        times=times,
    )
    return seal_envelope(message, draft=draft, data_key=key, signer=keys.kiosk, random_bytes=system.random_bytes)


def _declaration_id(statement: Any) -> str:
    from uuid import UUID

    from residence.errors import Malformed

    try:
        return str(UUID(statement.declaration_id))
    except (ValueError, AttributeError) as error:
        raise Malformed("message.malformed", "/declaration_id") from error


def _uuid() -> str:
    from uuid import UUID

    return str(UUID(bytes=system.random_bytes(16), version=4))


def _input(file: Path | None) -> bytes:
    try:
        return sys.stdin.buffer.read() if file is None else file.read_bytes()
    except OSError as error:
        typer.echo(f"cannot read: {error}", err=True)
        raise typer.Exit(2) from error


def _bytes(given: bytes) -> bytes:
    """Return the envelope's bytes from whichever spelling was given."""
    if given[:1] == b"\x82":
        return given
    text = given.decode("ascii", errors="replace").strip()
    if text.startswith("{"):
        try:
            text = str(json.loads(text)["envelope"])
        except (ValueError, LookupError, TypeError, RecursionError):
            return given
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # not base64, or not even ASCII
        return given


def _header(header: Header) -> dict[str, Any]:
    """Return the header with its byte strings as hex."""
    fields = msgspec.to_builtins(header, builtin_types=(bytes,))
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in fields.items()}


def _refuse(error: LuutruError, *, as_json: bool) -> NoReturn:
    from residence.errors import problem

    found = problem(error.code, error.pointer)
    if as_json:
        typer.echo(msgspec.json.encode({"ok": False, "code": error.code, "problems": [found]}).decode())
    else:
        typer.echo(f"{error.code}: {found.message.en}\n{found.message.vi}", err=True)
    raise typer.Exit(1)

"""``luutru registry affected``: the file of an incident, with everybody it concerns and by when it is told.

- One JSON object a line: the incident first, then a person each, by id. For its owner alone; an existing file is never written over.
- Keep it outside the registry, five years at least: the registry deletes its access records before that.

Example: ``luutru registry affected --account can-bo --since 2026-11-01T00:00:00+07:00 --detected 2026-11-29T08:00:00+07:00 --to incident.jsonl``
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luutru.commands.registry_answers import answering, opened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from registry.affected import Persons

RegistryOption = Annotated[
    str,
    typer.Option(
        "--registry", envvar="LUUTRU_REGISTRY", help="Address of the registry: sqlite:////path or postgresql+psycopg://..."
    ),
]
VaultOption = Annotated[
    Path, typer.Option("--vault", envvar="LUUTRU_VAULT", help="Directory with the keys of the registry's sealed fields.")
]


def affected(  # noqa: PLR0913 - options of a command line
    *,
    to: Annotated[Path, typer.Option("--to", dir_okay=False, help="The file to write; a new one.")],
    since: Annotated[str, typer.Option(help="From when on, RFC 3339.")],
    detected: Annotated[str, typer.Option(help="When somebody of yours knew of it, RFC 3339: the 72 hours run from here.")],
    until: Annotated[str, typer.Option("--until", help="Until when, RFC 3339; now when left out.")] = "",
    account: Annotated[
        str, typer.Option(help="Everybody this account looked at, by its sign-in name; its programs' calls included.")
    ] = "",
    kiosk: Annotated[str, typer.Option(help="Everybody declared at this kiosk.")] = "",
    commune: Annotated[
        str, typer.Option(help="Everybody whose record lies in this commune: a copy was taken with its keys.")
    ] = "",
    registry: RegistryOption = "sqlite:///registry.db",
    vault: VaultOption = Path("vault"),
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write whom an incident concerns, by id, and by when the authority is told.

    Example: luutru registry affected --kiosk kiosk-lobby-1 --since 2026-11-28T00:00:00+07:00 --detected 2026-11-29T08:00:00+07:00 --to incident.jsonl
    """
    import msgspec

    from luutru.system import system_clock
    from residence.clock import parse_instant

    if sum(map(bool, (account, kiosk, commune))) != 1:
        raise typer.BadParameter("one of --account, --kiosk, --commune")
    if to.exists() or not to.parent.is_dir():
        raise typer.BadParameter(f"{to} is there already, or its folder is not", param_hint="--to")
    with answering(json=json) as answer:
        known = parse_instant(detected, "/detected")
        span = (parse_instant(since, "/since"), parse_instant(until, "/until") if until else system_clock().now())
        if span[0] >= span[1]:  # nobody would be concerned, and the authority would be told so
            raise typer.BadParameter(f"{since} is not before the end", param_hint="--since")
        with opened(registry, vault) as read, read.reading() as connection:
            found, unnamed = _found(connection, account=account, kiosk=kiosk, commune=commune, span=span)
        by = {name: value for name, value in (("account", account), ("kiosk", kiosk), ("commune", commune)) if value}
        incident = _incident(by, span, known, found) | {"declarations_of_nobody_known": unnamed}
        _write(to, [incident, *(msgspec.to_builtins(found[each]) for each in sorted(found))])
        answer.update(incident, file=str(to))


def _incident(by: dict[str, str], span: tuple[datetime, datetime], detected: datetime, found: Persons) -> dict[str, Any]:
    """Return the first line of the file. Of an account the fields it saw are known; else whole records were exposed."""
    from residence.access import incidents

    fields = sorted({each for person in found.values() for each in person.fields}) if "account" in by else None
    return {
        "by": by,
        "since": _here(span[0]),
        "until": _here(span[1]),
        "detected": _here(detected),
        "authority_by": _here(incidents.due(detected)),
        "persons_told_too": incidents.persons_are_told(fields),
        "fields": fields if fields is not None else "all",
        "persons": len(found),
    }


def _here(instant: datetime) -> str:
    from residence.clock import VIETNAM

    return instant.astimezone(VIETNAM).isoformat(timespec="seconds")


def _found(
    connection: Connection, *, account: str, kiosk: str, commune: str, span: tuple[datetime, datetime]
) -> tuple[Persons, int]:
    from registry import affected as asked
    from registry.accounts import find_account
    from registry.kiosks import communes_of_kiosks
    from residence.errors import Refused

    since, until = span
    if commune:
        return asked.by_commune(connection, commune), 0
    if kiosk:
        if not communes_of_kiosks(connection, [kiosk]):
            raise Refused("kiosk.unknown", "/kiosk", kiosk)
        return asked.by_kiosk(connection, kiosk, since=since, until=until)
    signed_in = find_account(connection, account)
    if signed_in is None:
        raise Refused("account.unknown", "/account", account)
    return asked.by_account(connection, signed_in.account_id, since=since, until=until), 0


def _write(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    import msgspec

    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for each in lines:
            file.write(msgspec.json.encode(each) + b"\n")
        file.flush()
        os.fsync(file.fileno())

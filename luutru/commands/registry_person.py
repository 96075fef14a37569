"""``luutru registry person``: what the register said of a person at an instant, what it says now, and what was done in between.

- A look like any other: by an officer with an account, for the purpose of a case they have claimed; the policy decides, and the person sees
  it on the record. Without such a case nothing comes back.
- ``--json`` prints one object: ``ok``, ``then`` (facts), ``differences`` (about, row, then, now, because) and ``since`` (everything done).

Example: ``luutru registry person 0197... --at 2026-07-01T00:00:00+07:00 --by can-bo --purpose undeclared-case --case 0198...``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from registry.release import Look


def person(
    person_id: Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")],
    *,
    at: Annotated[str, typer.Option("--at", help="The instant, RFC 3339 with offset.")],
    by: Annotated[str, typer.Option("--by", help="Sign-in name of the officer who looks.")],
    case: Annotated[str, typer.Option("--case", help="The case this is for; the officer has claimed it.")],
    purpose: Annotated[str, typer.Option("--purpose", help="The purpose it was claimed for.")] = "undeclared-case",
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Say what the register said of a person at an instant, and why it says otherwise now. On the record.

    Example: luutru registry person 0197... --at 2026-07-01T00:00:00+07:00 --by can-bo --case 0198... --json
    """
    from residence.errors import LuutruError

    try:
        answer = {"ok": True} | _looked_back(registry, vault, person_id, at=at, asked=(by, case, purpose))
    except LuutruError as error:
        answer = {"ok": False, "problems": [error.code]}
    if json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    else:
        _print(answer)
    raise typer.Exit(0 if answer["ok"] else 1)


def _looked_back(registry: str, vault: Path, person_id: str, *, at: str, asked: tuple[str, str, str]) -> dict[str, Any]:
    from luutru.opening import open_registry
    from luutru.system import random_bytes, system_clock
    from registry.looking_back import Means, look_back
    from residence.clock import parse_instant

    opened = open_registry(registry, vault)
    try:
        means = Means(vault=opened.vault, now=system_clock().now(), random_bytes=random_bytes)
        instant = parse_instant(at, "/at")
        with opened.writing() as connection:  # the look goes on the record
            found = look_back(connection, person_id, at=instant, look=_allowed(connection, *asked), means=means)
    finally:
        opened.close()
    return dict(msgspec.to_builtins(found))


def _allowed(connection: Connection, by: str, case_id: str, purpose: str) -> Look:
    """Return the look, or raise ``Refused``: the same question the case's page asks."""
    from registry.accounts import find_account
    from registry.cases import case
    from registry.release import Look
    from residence.access.purposes import Purpose
    from residence.errors import Refused
    from server.policy import Account, CaseResource, load_policy

    account, row = find_account(connection, by), case(connection, case_id)
    if account is None or account.disabled_at is not None or row is None or account.role != "officer":
        raise Refused("server.not_allowed")
    asking = Account(account_id=account.account_id, name="", role="officer", commune_code=account.commune_code)
    resource = CaseResource(case_id=row.case_id, commune=row.commune_code, claimed_by=row.claimed_by or "")
    load_policy().require(asking, "release_person", resource=resource, purpose=purpose)
    if purpose != row.claim_purpose:
        raise Refused("server.not_allowed")
    return Look(
        account_id=account.account_id,
        role="officer",
        purpose=Purpose(purpose),
        commune_code=row.commune_code,
        about=row.case_id,
    )


def _print(answer: dict[str, Any]) -> None:
    from rich.console import Console

    from residence.errors import sentence

    console = Console(highlight=False, markup=False)
    for code in answer.get("problems", ()):
        console.print(sentence(code).en)
    for each in answer.get("then", ()):
        console.print(f"then  {_words(each)}")
    for each in answer.get("differences", ()):
        console.print(f"{each['about']} {each['row']}: {_words(each['then'])} -> {_words(each['now'])}")
        for why in each["because"]:
            console.print(f"    {_words(why)}")


def _words(said: dict[str, Any] | None) -> str:
    return "; ".join(f"{name} {value}" for name, value in (said or {}).items() if value is not None) or "nothing"

"""``luutru account interests``: what an officer must not decide about, as somebody declared it: own address, a relative's, own establishment.

- Cases at these premises are neither shown nor given to the officer, and cannot be claimed by them. What the register itself tells of an
  officer whose account is bound to a person (``luutru account add --role officer --person``) bars them without a declaration.
- An interest that has ended keeps its row.

Example: ``luutru account interests add canbo --premises htl-sao-mai --kind own-establishment --by vanhanh``
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from registry.accounts import KnownAccount

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What an officer must not decide about.")
NameArgument = Annotated[str, typer.Argument(help="The officer's sign-in name.")]


@app.command()
def add(
    name: NameArgument,
    *,
    premises: Annotated[str, typer.Option(help="The premises the officer must not decide about.")],
    kind: Annotated[str, typer.Option(help="own-address, relative or own-establishment.")],
    by: Annotated[str, typer.Option(help="Who declares it.")],
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Declare an interest; declared again it is the same.

    Example: luutru account interests add canbo --premises htl-sao-mai --kind own-establishment --by vanhanh
    """
    from luutru.system import random_bytes, system_clock
    from registry.interests import KINDS, declare_interest

    if kind not in KINDS:
        raise typer.BadParameter(f"one of {', '.join(KINDS)}", param_hint="--kind")
    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        account = _officer(connection, name)
        now = system_clock().now()
        answer["interest_id"] = declare_interest(connection, account, (kind, premises), by=by, now=now, random_bytes=random_bytes)


@app.command("list")
def list_interests(
    name: NameArgument,
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """List what is declared of an officer and stands.

    Example: luutru account interests list canbo
    """
    from registry.interests import declared_interests

    with answering(json=json) as answer, opened(registry, vault) as known, known.reading() as connection:
        rows = declared_interests(connection, _officer(connection, name).account_id)
        told = ("interest_id", "kind", "premises_id", "declared_by", "declared_at")
        answer["interests"] = [{each: getattr(row, each) for each in told} for row in rows]


@app.command()
def end(
    name: NameArgument,
    interest: Annotated[str, typer.Argument(help="Its id, as listed.")],
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """End an interest that no longer holds.

    Example: luutru account interests end canbo 0198c0de-0000-7000-8000-000000000001
    """
    from luutru.system import system_clock
    from registry.interests import end_interest

    with answering(json=json), opened(registry, vault) as known, known.writing() as connection:
        end_interest(connection, _officer(connection, name).account_id, interest, now=system_clock().now())


def _officer(connection: Connection, name: str) -> KnownAccount:
    from registry.accounts import find_account
    from residence.errors import Refused

    account = find_account(connection, name)
    if account is None:
        raise Refused("account.unknown")
    return account

"""``luutru program``: which software may call the API, for which account, how far, and how it is let in.

- A program gets a token by OAuth 2.0 client credentials at ``/api/v1/oauth/token`` with the id and secret printed here, once.
- It speaks for a clerk's account, within that account's premises; ``--scope`` says how far: ``declare``, ``read``, ``reconcile``,
  each for all of the account's premises or, after a colon, for one.
- A secret ends after ``--days`` (a year unless said, 0 for never); its house is told 30, 15, 7 days and one day before. A new secret leaves the one
  before good for 24 hours, not beyond its end. A program that is ended loses its tokens at once.

Example: ``luutru program add letan --label "Front office" --scope declare --scope read:htl-sao-mai``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from luutru.commands.account import (
    DEFAULT_REGISTRY,
    JsonOption,
    RegistryOption,
    VaultOption,
    known_account,
    new_token,
    say,
    writing,
)

if TYPE_CHECKING:
    from registry.api_clients import ApiClient

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Let hotel software in: programs that call the API.")

IdArgument = Annotated[str, typer.Argument(help="The program's client id.")]
DaysOption = Annotated[int, typer.Option(min=0, max=3650, help="After how many days the secret ends; 0: never.")]
A_YEAR = 365
SECRET_PREFIX = "lts_"  # noqa: S105  # so that a secret that leaked is found by whoever looks for one


@app.command()
def add(
    account: Annotated[str, typer.Argument(help="Sign-in name of the clerk's account it speaks for.")],
    *,
    scope: Annotated[list[str], typer.Option(help="What it may do; may be given again.")],
    label: Annotated[str, typer.Option(help="What it is called in lists.")] = "",
    days: DaysOption = A_YEAR,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    json: JsonOption = False,
) -> None:
    """Register a program and print its id and secret, once.

    Example: luutru program add letan --label "Front office" --scope declare --scope read
    """
    from luutru.system import random_bytes, system_clock
    from registry.api_clients import ApiClient, add_client, check_scopes
    from residence.clock import uuid7
    from residence.errors import Refused

    secret, now = SECRET_PREFIX + new_token(), system_clock().now()
    with writing(registry, vault) as connection:
        known = known_account(connection, account)
        if known.role != "clerk":
            raise Refused("api.clerks_only")
        client = ApiClient(
            client_id=str(uuid7(now, random_bytes(10))),
            commune_code=known.commune_code,
            account_id=known.account_id,
            label=label[:64] or account,
            grants=check_scopes(scope, areas=known.areas),
            created_at=now,
            secret_ends=_ends(now, days),
        )
        add_client(connection, client, secret)
    _say_secret(client, secret, json=json)


@app.command("renew")
def renew(
    client_id: IdArgument,
    *,
    days: DaysOption = A_YEAR,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    json: JsonOption = False,
) -> None:
    """Give a program a new secret; the one before is good for another 24 hours, or until its own end.

    Example: luutru program renew 019f0000-0000-7000-8000-000000000001
    """
    from luutru.system import system_clock
    from registry.api_clients import renew_secret

    secret, now = SECRET_PREFIX + new_token(), system_clock().now()
    with writing(registry, vault) as connection:
        client = renew_secret(connection, client_id, secret, now=now, ends=_ends(now, days))
    _say_secret(client, secret, json=json)


@app.command()
def end(
    client_id: IdArgument,
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    json: JsonOption = False,
) -> None:
    """End a program and every token it holds.

    Example: luutru program end 019f0000-0000-7000-8000-000000000001
    """
    from luutru.system import system_clock
    from registry.api_clients import disable_client

    with writing(registry, vault) as connection:
        client = disable_client(connection, client_id, now=system_clock().now())
    say({"client_id": client.client_id, "ended": True}, f"ended {client.label}", json=json)


@app.command("list")
def list_all(
    *, registry: RegistryOption = DEFAULT_REGISTRY, vault: VaultOption = Path("vault"), json: JsonOption = False
) -> None:
    """List the programs.

    Example: luutru program list --json
    """
    from registry.api_clients import list_clients

    with writing(registry, vault) as connection:
        known = list_clients(connection)
    lines = "\n".join(
        f"{each.client_id}  {'ended' if each.disabled_at else 'active':6}  {each.label:24} {' '.join(each.grants)}"
        + (f"  until {each.secret_ends:%Y-%m-%d}" if each.secret_ends else "")
        for each in known
    )
    say({"programs": msgspec.to_builtins(known)}, lines or "no programs", json=json)


def _ends(now: datetime, days: int) -> datetime | None:
    return now + timedelta(days=days) if days else None


def _say_secret(client: ApiClient, secret: str, *, json: bool) -> None:
    scope, ends = " ".join(client.grants), client.secret_ends.isoformat(timespec="seconds") if client.secret_ends else None
    content = {"client_id": client.client_id, "client_secret": secret, "scope": scope, "secret_ends": ends}
    say(content, f"client_id {client.client_id}\nclient_secret {secret}\nscope {scope}\nends {ends or 'never'}", json=json)

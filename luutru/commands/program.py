"""``luutru program``: which software may call the API, for which account, how far, and how it is let in.

- A program gets a token by OAuth 2.0 client credentials at ``/api/v1/oauth/token`` with the id and secret printed here, once.
- It speaks for a clerk's account, within that account's premises; ``--scope`` says how far: ``declare``, ``read``, ``reconcile``,
  ``webhooks``, each for all of the account's premises or, after a colon, for one.
- A new secret leaves the one before good for 24 hours. A program that is ended loses its tokens at once.

Example: ``luutru program add letan --label "Front office" --scope declare --scope read:htl-sao-mai``
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Let hotel software in: programs that call the API.")

IdArgument = Annotated[str, typer.Argument(help="The program's client id.")]
SECRET_PREFIX = "lts_"  # noqa: S105  # so that a secret that leaked is found by whoever looks for one


@app.command()
def add(
    account: Annotated[str, typer.Argument(help="Sign-in name of the clerk's account it speaks for.")],
    *,
    scope: Annotated[list[str], typer.Option(help="What it may do; may be given again.")],
    label: Annotated[str, typer.Option(help="What it is called in lists.")] = "",
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
        )
        add_client(connection, client, secret)
    _say_secret(client.client_id, secret, grants=client.grants, json=json)


@app.command("renew")
def renew(
    client_id: IdArgument,
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    json: JsonOption = False,
) -> None:
    """Give a program a new secret; the one before is good for another 24 hours.

    Example: luutru program renew 019f0000-0000-7000-8000-000000000001
    """
    from luutru.system import system_clock
    from registry.api_clients import renew_secret

    secret = SECRET_PREFIX + new_token()
    with writing(registry, vault) as connection:
        client = renew_secret(connection, client_id, secret, now=system_clock().now())
    _say_secret(client.client_id, secret, grants=client.grants, json=json)


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
        for each in known
    )
    say({"programs": msgspec.to_builtins(known)}, lines or "no programs", json=json)


def _say_secret(client_id: str, secret: str, *, grants: tuple[str, ...], json: bool) -> None:
    content = {"client_id": client_id, "client_secret": secret, "scope": " ".join(grants)}
    say(content, f"client_id {client_id}\nclient_secret {secret}\nscope {' '.join(grants)}", json=json)

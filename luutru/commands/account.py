"""``luutru account``: make accounts, one-time sign-in links and API tokens; list who may sign in.

- A link or token is printed once and never again: the registry keeps its hash.
- Nobody's password is set, because there is none: a link lets its holder add a passkey.
- Exit status 1 when something was refused (a taken name, an unknown account), with its code.

Example: ``luutru account add letan --role clerk --premises htl-sao-mai && luutru account link letan``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from luutru.commands.account_interests import app as interests_app

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from registry.accounts import KnownAccount

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Make accounts and one-time sign-in links.")
app.add_typer(interests_app, name="interests")

RegistryOption = Annotated[
    str,
    typer.Option(
        "--registry", envvar="LUUTRU_REGISTRY", help="Address of the registry: sqlite:////path or postgresql+psycopg://..."
    ),
]
VaultOption = Annotated[
    Path, typer.Option("--vault", envvar="LUUTRU_VAULT", help="Directory with the keys of the registry's sealed fields.")
]
BaseUrlOption = Annotated[
    str, typer.Option("--base-url", envvar="LUUTRU_SERVER_BASE_URL", help="The server's address, for the link.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
NameArgument = Annotated[str, typer.Argument(help="Sign-in name: a handle, not a person's name.")]
DEFAULT_REGISTRY = "sqlite:///registry.db"
ROLES = ("clerk", "resident", "officer", "operator", "inspector")
RIGHTS = ("declare", "read", "none")


@app.command()
def add(
    name: NameArgument,
    *,
    role: Annotated[str, typer.Option(help="clerk, resident, officer, operator or inspector.")],
    commune: Annotated[str, typer.Option(help="Commune the account belongs to.")] = "demo-01",
    premises: Annotated[list[str] | None, typer.Option(help="A clerk's premises; may be given again.")] = None,
    person: Annotated[
        str | None, typer.Option(help="A resident's or officer's own id in the registry, once somebody has checked who they are.")
    ] = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    json: JsonOption = False,
) -> None:
    """Add an account; give it a link next.

    Example: luutru account add letan --role clerk --premises htl-sao-mai
    """
    from luutru.system import random_bytes, system_clock
    from registry.accounts import KnownAccount, add_account
    from registry.persons import is_person
    from residence.clock import uuid7
    from residence.errors import Refused

    if role not in ROLES:
        raise typer.BadParameter(f"one of {', '.join(ROLES)}", param_hint="--role")
    now = system_clock().now()
    account = KnownAccount(
        account_id=str(uuid7(now, random_bytes(10))),
        commune_code=commune,
        sign_in_name=name,
        role=role,
        areas=tuple(premises or ()),
        created_at=now,
        person_id=person,
    )
    with writing(registry, vault) as connection:
        if person is not None and (role not in {"resident", "officer", "inspector"} or not is_person(connection, person)):
            raise Refused("account.person_unfit")
        if role == "clerk" and not premises:
            raise Refused("account.areas_needed")
        add_account(connection, account)
    say(msgspec.to_builtins(account), f"added {role} {name}", json=json)


@app.command()
def link(
    name: NameArgument,
    *,
    hours: Annotated[float, typer.Option(min=0.1, max=168, help="How long the link may be used.")] = 24.0,
    base_url: BaseUrlOption = "http://localhost:8300",
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    json: JsonOption = False,
) -> None:
    """Make a one-time sign-in link.

    Example: luutru account link letan --hours 2
    """
    from luutru.system import system_clock
    from registry.accounts import add_link

    token = new_token()
    with writing(registry, vault) as connection:
        account = known_account(connection, name)
        add_link(connection, account, token, now=system_clock().now(), lifetime=timedelta(hours=hours))
    address = f"{base_url.rstrip('/')}/sign-in/link/{token}"
    say({"sign_in_name": name, "link": address, "hours": hours}, address, json=json)


@app.command()
def token(
    name: NameArgument,
    *,
    days: Annotated[float, typer.Option(min=1, max=366, help="How long the token is good.")] = 90.0,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    json: JsonOption = False,
) -> None:
    """Make an API token with the account's role and area.

    Example: luutru account token letan --days 90
    """
    from luutru.system import system_clock
    from registry.sessions import BEARER, Beginning, open_session

    bearer = new_token()
    with writing(registry, vault) as connection:
        account = known_account(connection, name)
        open_session(
            connection,
            account,
            bearer,
            beginning=Beginning(method=BEARER),
            now=system_clock().now(),
            lifetime=timedelta(days=days),
        )
    say({"sign_in_name": name, "token": bearer, "days": days}, bearer, json=json)


@app.command()
def rights(
    name: NameArgument,
    *,
    premises: Annotated[str, typer.Option(help="Which house.")],
    right: Annotated[str, typer.Option(help="declare, read (look and declare nothing) or none.")],
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    json: JsonOption = False,
) -> None:
    """Say what a clerk may do at one house.

    Example: luutru account rights letan --premises htl-sao-mai --right read
    """
    from typing import cast

    from registry.accounts import Right, give_rights
    from registry.premises import load_places
    from residence.errors import Refused

    if right not in RIGHTS:
        raise typer.BadParameter(f"one of {', '.join(RIGHTS)}", param_hint="--right")
    with writing(registry, vault) as connection:
        if load_places(connection, [(premises, None)]).place(premises, None) is None:
            raise Refused("registry.premises_unknown", "/premises", premises)
        account = give_rights(connection, known_account(connection, name), premises, right=cast("Right", right))
    say(msgspec.to_builtins(account), f"{name} at {premises}: {right}", json=json)


@app.command()
def end(
    name: NameArgument,
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    json: JsonOption = False,
) -> None:
    """End an account at once and for good: nobody signs in with it, every session, token and program of it ends. What it did stays on the record.

    Example: luutru account end letan
    """
    from luutru.system import random_bytes, system_clock
    from registry.accounts import audit
    from registry.sessions import end_account

    now = system_clock().now()
    with writing(registry, vault) as connection:
        account = known_account(connection, name)
        ended = end_account(connection, account, now=now)
        audit(
            connection,
            "account-ended",
            commune_code=account.commune_code,
            account_id=account.account_id,
            now=now,
            noise=random_bytes(10),
        )
    say({"account_id": account.account_id, "sessions_ended": ended}, f"ended {name}, with {ended} sessions", json=json)


@app.command("list")
def list_all(
    *, registry: RegistryOption = DEFAULT_REGISTRY, vault: VaultOption = Path("vault"), json: JsonOption = False
) -> None:
    """List the accounts.

    Example: luutru account list --json
    """
    from registry.accounts import list_accounts

    with writing(registry, vault) as connection:
        known = list_accounts(connection)
    lines = "\n".join(f"{each.sign_in_name:20} {each.role:9} {', '.join(each.areas) or each.commune_code}" for each in known)
    say({"accounts": msgspec.to_builtins(known)}, lines or "no accounts", json=json)


def new_token() -> str:
    """Return 32 random bytes as base64url text."""
    from base64 import urlsafe_b64encode

    from luutru.system import random_bytes

    return urlsafe_b64encode(random_bytes(32)).decode().rstrip("=")


def known_account(connection: Connection, name: str) -> KnownAccount:
    """Return the account with this name, or raise ``Refused("account.unknown")``."""
    from registry.accounts import find_account
    from residence.errors import Refused

    account = find_account(connection, name)
    if account is None:
        raise Refused("account.unknown")
    return account


@contextmanager
def writing(registry: str, vault: Path) -> Iterator[Connection]:
    """Open the registry for one transaction; print a refusal and end with status 1."""
    from luutru.opening import open_registry
    from residence.errors import LuutruError, sentence

    place = registry.removeprefix("sqlite:///")
    if place != registry and not Path(place).exists():  # opening would lay an empty registry and new keys beside it
        typer.echo(f"registry.not_upgraded: {sentence('registry.not_upgraded').en}", err=True)
        sys.exit(1)
    opened = open_registry(registry, vault)
    try:
        with opened.writing() as connection:
            yield connection
    except LuutruError as error:
        typer.echo(f"{error.code}: {sentence(error.code).en}", err=True)
        sys.exit(1)
    finally:
        opened.close()


def say(content: object, line: str, *, json: bool) -> None:
    """Print one JSON object, or the line for people."""
    typer.echo(msgspec.json.encode(content).decode() if json else line)

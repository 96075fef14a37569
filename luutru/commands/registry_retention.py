"""``luutru registry retention``: how long what is kept, what a night deleted, a night by hand, and one person erased.

- ``policy`` prints the table of data class, purpose, legal basis, period and action; nothing is opened.
- ``run`` does at once what the gateway does once a night; ``report`` prints what the last nights deleted: counts, never whose.
- ``erase`` erases one person for good, in backups as the key service allows, and prints the code of their certificate: hand it to them.
- ``--json`` prints one object.

Example: ``luutru registry retention report --json``
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, Purpose, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened
from luutru.retention import RetentionOption, policy_of

if TYPE_CHECKING:
    from registry.deletions import DeletionReport

app = typer.Typer(no_args_is_help=True, add_completion=False, help="How long what is kept, and what was deleted.")


@app.command("policy")
def show_policy(*, retention: RetentionOption = None, json: JsonOption = False) -> None:
    """Show every class of data: its tables, why it is kept, how long, and what is done then.

    Example: luutru registry retention policy
    """
    policy = policy_of(retention)
    rows = [
        {
            "class": each.name,
            "tables": list(each.tables),
            "purpose": each.purpose,
            "legal_basis": each.legal_basis,
            "action": each.action,
            "keep_days": each.keep_days,
            "floor_days": each.floor_days,
            "kept": each.kept,
        }
        for each in policy.classes
    ]
    _answer({"policy": policy.digest, "classes": rows}, rows, json=json)


@app.command("run")
def run_now(
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    retention: RetentionOption = None,
    by: Annotated[str, typer.Option("--by", help="Who runs it; kept with the report.")] = "command line",
    json: JsonOption = False,
) -> None:
    """Delete and unseal whatever is due now, and keep the report. The gateway does the same every night.

    Example: luutru registry retention run --by operator-1 --json
    """
    from luutru.opening import open_registry
    from luutru.system import system_clock
    from registry.deletions import carry_out

    policy = policy_of(retention)
    opened = open_registry(registry, vault)
    try:
        report = carry_out(opened, policy, clock=system_clock(), by=by)
    finally:
        opened.close()
    _answer(msgspec.to_builtins(report), _rows(report), json=json)


@app.command("erase")
def erase(
    person: Annotated[str, typer.Argument(help="Id of the person.")],
    *,
    by: Annotated[str, typer.Option("--by", help="Who erases; stands in the public log's row.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence that names nobody; stands in the certificate.")],
    basis: Annotated[str, typer.Option("--basis", help="The legal basis, if one is to be named.")] = "",
    keys: Annotated[Path, typer.Option("--keys", envvar="LUUTRU_KEYS", help="Folder with server-receipt*.key, to sign with.")],
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Erase a person for good, with everybody merged into them; gives the signed certificate and its code.

    Example: luutru registry retention erase 0197... --by operator-1 --reason "asked for and granted" --keys keys
    """
    from luutru.keys import receipt_signer
    from luutru.system import random_bytes, system_clock
    from registry.erasing import Erasure, erase_for_good
    from registry.key_changes import keyring_if_reachable
    from residence.wire.deletions import deletion_text

    with answering(json=json) as answer, opened(registry, vault) as known:
        now = system_clock().now()
        signer = receipt_signer(keys, Purpose.SERVER_RECEIPT.files, keyring=keyring_if_reachable(known), now=now)
        given = Erasure(by=by, reason=reason, legal_basis=basis)
        done = erase_for_good(known, person, given, signer=signer, now=now, random_bytes=random_bytes)
        answer |= {"code": done.code, "certificate_id": done.certificate_id, "certificate": deletion_text(done.certificate)}


@app.command("report")
def show_reports(
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    nights: Annotated[int, typer.Option("--nights", min=1, max=400, help="How many, the newest first.")] = 7,
    json: JsonOption = False,
) -> None:
    """Show what the last nights deleted: how many rows of which class, by which policy.

    Example: luutru registry retention report --nights 30
    """
    from registry.database import open_engine
    from registry.deletions import reports

    engine = open_engine(registry)
    try:
        with engine.connect() as connection:
            found = reports(connection, limit=nights)
    finally:
        engine.dispose()
    told = [msgspec.to_builtins(each) for each in found]
    _answer({"reports": told}, [row for each in found for row in _rows(each)], json=json)


def _rows(report: DeletionReport) -> list[dict[str, Any]]:
    """Return what a person reads of a report: a row for each class, times as in Vietnam."""
    from residence.clock import VIETNAM

    def when(instant: datetime | None) -> str:
        return instant.astimezone(VIETNAM).strftime("%Y-%m-%d %H:%M") if instant else "not finished"

    return [
        {
            "night": report.night[:10],
            "by": report.by,
            "finished": when(report.finished_at),
            "class": each.name,
            "done": each.action,
            "rows": each.rows,
            "older than": when(each.before),
            "left": "more is due" if each.left else "nothing",
        }
        for each in report.deleted
    ]


def _answer(answer: dict[str, Any], rows: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_lines=False)
    for name in rows[0] if rows else ():
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(
            *("" if value is None else ", ".join(value) if isinstance(value, list) else str(value) for value in row.values())
        )
    Console().print(table if rows else "nothing yet")

"""``luutru registry keys``: which keys there are, a new one for each level while everything runs, and a former one destroyed.

- ``rotate-root`` also moves the root to a PKCS#11 token or a TPM (``--to keeper.toml``) and goes on where it was broken off.
- ``destroy`` is for good: no backup made before the rotation can be brought back afterwards. It wants the period key's whole name and a reason.
- Where keys are rotated nothing has to be stopped. No key is ever printed.

Example: ``luutru registry keys rotate-period 79-demo``, a month later ``luutru registry keys destroy 79-demo:2026 --why "35 days of backups"``
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, DEFAULT_VAULT, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Rotate the keys of sealed fields, level by level.")
Subject = Annotated[str, typer.Argument(help="Id of the person or other subject.")]


@app.command("list")
def list_keys(
    registry: RegistryOption = DEFAULT_REGISTRY, vault: VaultOption = DEFAULT_VAULT, *, json: JsonOption = False
) -> None:
    """Show roots, period keys and what was destroyed; names only.

    Example: luutru registry keys list --json
    """
    from registry.backups import period_keys

    with answering(json=json) as answer, opened(registry, vault) as known:
        keys = _keys(vault)
        with known.reading() as connection:
            needed = period_keys(connection)
        answer |= {
            "roots": keys.keeper.ids(),
            "period_keys": keys.period_keys(),
            "needed": list(needed),
            "destroyed": [msgspec.to_builtins(each) for each in keys.notes.retired().values()],
            "erased": len(keys.notes.shredded()),
            "index_keys": list(keys.indexes.state().live),
        }


@app.command("rotate-root")
def rotate_root(
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    *,
    to: Annotated[
        Path | None, typer.Option("--to", exists=True, dir_okay=False, help="A keeper.toml: move the root to that keeper.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Wrap every key under a new root and destroy the former one; an older copy of the key directory opens nothing then.

    Example: luutru registry keys rotate-root --to hsm.toml
    """
    from registry import key_rotation
    from registry.backups import period_keys
    from registry.root_keepers import parse_keeper

    with answering(json=json) as answer, opened(registry, vault) as known:
        with known.reading() as connection:
            names = period_keys(connection)
        settings = parse_keeper(to.read_bytes()) if to else None
        _tell(answer, key_rotation.rotate_root(_keys(vault), names=names, to=settings))


@app.command("rotate-period")
def rotate_period(
    commune: Annotated[str, typer.Argument(help="Code of the commune.")],
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    *,
    json: JsonOption = False,
) -> None:
    """Give a commune a new key for the year that runs, and wrap everybody's key under it.

    Example: luutru registry keys rotate-period 79-demo
    """
    from luutru.system import system_clock
    from registry import key_rotation

    with answering(json=json) as answer, opened(registry, vault) as known:
        _tell(answer, key_rotation.rotate_period(known, _keys(vault), commune, now=system_clock().now()))


@app.command("destroy")
def destroy(
    key: Annotated[str, typer.Argument(help="Name of a period key that is not in force any more.")],
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    *,
    why: Annotated[str, typer.Option("--why", help="The reason; kept with the key's name.")],
    json: JsonOption = False,
) -> None:
    """Destroy a former period key for good: backups made before its rotation cannot be brought back any more.

    Example: luutru registry keys destroy 79-demo:2026 --why "backups are kept for 35 days"
    """
    from luutru.system import system_clock
    from registry import key_rotation

    with answering(json=json) as answer, opened(registry, vault) as known:
        done = key_rotation.destroy_period(known, _keys(vault), key, now=system_clock().now(), why=why)
        answer |= {"destroyed": key, "renewed": done}


@app.command("rotate-subject")
def rotate_subject(
    subject: Subject, registry: RegistryOption = DEFAULT_REGISTRY, vault: VaultOption = DEFAULT_VAULT, *, json: JsonOption = False
) -> None:
    """Give one person a new key and seal everything of theirs under it; the former one opens until ``finish-subject``.

    Example: luutru registry keys rotate-subject 0197...
    """
    from luutru.system import system_clock
    from registry import key_rotation

    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        _tell(answer, key_rotation.rotate_subject(connection, subject, vault=known.vault, now=system_clock().now()))


@app.command("finish-subject")
def finish_subject(
    subject: Subject, registry: RegistryOption = DEFAULT_REGISTRY, vault: VaultOption = DEFAULT_VAULT, *, json: JsonOption = False
) -> None:
    """Drop a person's former key, ten minutes after ``rotate-subject`` at the earliest.

    Example: luutru registry keys finish-subject 0197...
    """
    from luutru.system import system_clock
    from registry import key_rotation

    with answering(json=json) as answer, opened(registry, vault) as known, known.writing() as connection:
        _tell(answer, key_rotation.finish_subject(connection, subject, vault=known.vault, now=system_clock().now()))


@app.command("rotate-index")
def rotate_index(
    registry: RegistryOption = DEFAULT_REGISTRY, vault: VaultOption = DEFAULT_VAULT, *, json: JsonOption = False
) -> None:
    """Do the next of three steps to a new key of the indexes of numbers and names: announced, in force, over; ten minutes apart.

    Example: luutru registry keys rotate-index
    """
    from luutru.system import system_clock
    from registry.index_rotation import rotate_index as next_step

    with answering(json=json) as answer, opened(registry, vault) as known:
        _tell(answer, next_step(known, _keys(vault), now=system_clock().now()))


@app.command("write-indexes")
def write_indexes(
    registry: RegistryOption = DEFAULT_REGISTRY, vault: VaultOption = DEFAULT_VAULT, *, json: JsonOption = False
) -> None:
    """Write every index that is not made with the key in force: after a backup of before a rotation was brought back by other tools than ours.

    Example: luutru registry keys write-indexes
    """
    from registry.index_rotation import write_anew

    with answering(json=json) as answer, opened(registry, vault) as known:
        answer["renewed"], _ = write_anew(known)


def _keys(vault: Path) -> Any:
    from luutru.system import random_bytes
    from registry.key_provider import FileKeyProvider

    return FileKeyProvider(vault, random_bytes=random_bytes)


def _tell(answer: dict[str, Any], done: Any) -> None:
    answer |= msgspec.to_builtins(done)

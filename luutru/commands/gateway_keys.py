"""``luutru gateway keys``: which keys hold, a new one beside an old one, and a stolen one made worthless.

- The registry's key table is the truth; the running gateway follows it within a second and tells the kiosks.
- ``rotate`` writes a private key and so runs where the key directory is; ``list`` and ``revoke`` need the registry only.
- No private key is ever printed.

Example: ``luutru gateway keys rotate seal && luutru gateway keys list``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

if TYPE_CHECKING:
    from registry.database import Registry

app = typer.Typer(no_args_is_help=True, add_completion=False, help="List, rotate and revoke the keys of kiosks and authority.")

RegistryOption = Annotated[
    str,
    typer.Option(
        "--registry", envvar="LUUTRU_REGISTRY", help="Address of the registry: sqlite:////path or postgresql+psycopg://..."
    ),
]
VaultOption = Annotated[
    Path, typer.Option("--vault", envvar="LUUTRU_VAULT", help="Directory with the keys of the registry's sealed fields.")
]
KeysOption = Annotated[Path, typer.Option("--keys", envvar="LUUTRU_KEYS", help="Directory with the key files.")]
OverlapOption = Annotated[int, typer.Option(min=1, max=3650, help="Days the old keys go on beside the new one.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DEFAULT_REGISTRY = "sqlite:///registry.db"
DEFAULT_VAULT = Path("vault")


class Purpose(StrEnum):
    """What a key to be rotated is for."""

    SEAL = "seal"
    RECEIPT = "receipt"
    SERVER_RECEIPT = "server-receipt"

    @property
    def files(self) -> str:
        """Return how its key files begin."""
        return self.value if self is Purpose.SERVER_RECEIPT else f"gateway-{self.value}"


@app.command("list")
def list_keys(
    *, registry: RegistryOption = DEFAULT_REGISTRY, vault: VaultOption = DEFAULT_VAULT, json: JsonOption = False
) -> None:
    """List every key with its use, owner, validity and revocation, and the serial of the ring kiosks are sent.

    Example: luutru gateway keys list --json
    """
    from luutru.system import system_clock
    from registry.key_changes import standing
    from registry.kiosks import keyring_entries
    from residence.wire.keyring import Keyring
    from residence.wire.updates import ring_for_kiosks

    now = system_clock().now()
    with _answering(json=json) as answer:
        with _opened(registry, vault) as opened, opened.reading() as connection:
            ring = Keyring(keyring_entries(connection))
        listed = [msgspec.structs.asdict(key) | {"standing": standing(ring, key, now)} for key in ring.entries]
        answer |= {"serial": ring_for_kiosks(ring.entries).serial, "keys": listed}


@app.command("rotate")
def rotate_key(
    purpose: Annotated[
        Purpose, typer.Argument(help="seal: opens envelopes; receipt: the gateway's; server-receipt: the server's.")
    ],
    *,
    overlap_days: OverlapOption = 30,
    keys: KeysOption = Path("keys"),
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Make a new key beside the old ones, which go on for the overlap; a receipt key is used from the next start of its process on.

    Example: luutru gateway keys rotate receipt --overlap-days 30
    """
    from luutru.system import system_clock

    now = system_clock().now()
    with _answering(json=json) as answer, _opened(registry, vault) as opened:
        answer.update(_rotate(purpose, keys, opened, now=now, end=now + timedelta(days=overlap_days)))


@app.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(help="Id of the key, as listed.")],
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Refuse a key from now on, for good. The authority's last key of a use is not revoked: rotate first.

    Example: luutru gateway keys revoke kiosk-lobby-1-sign-1
    """
    from luutru.system import system_clock
    from registry.key_changes import revoke

    with _answering(json=json) as answer, _opened(registry, vault) as opened, opened.writing() as connection:
        changed = revoke(connection, key_id, now=system_clock().now())
        answer |= {"key_id": key_id, "changed": changed}


def _rotate(purpose: Purpose, directory: Path, opened: Registry, *, now: datetime, end: datetime) -> dict[str, Any]:
    """Write the private key first: nobody may seal to a key that is not safely kept. A registry that says no takes it back."""
    from luutru import keys
    from luutru.system import random_bytes
    from registry.key_changes import put_beside
    from residence.clock import rfc3339
    from residence.errors import Refused
    from residence.wire.keyring import AUTHORITY

    old_ids = [keys.key_id_of(path) for path in keys.key_files(directory, purpose.files)]
    if not old_ids:
        raise Refused("key.file_missing", detail=f"no {purpose.files}*.key in {directory}")
    path = keys.rotated_path(directory, purpose.files, now=now)
    use = "seal" if purpose is Purpose.SEAL else "receipt"
    entry = keys.make_key(path, key_id=path.stem, use=use, owner=AUTHORITY, now=now, random_bytes=random_bytes)  # type: ignore[arg-type]
    try:
        with opened.writing() as connection:
            ending = put_beside(connection, entry, old_ids=old_ids, end=end)
    except BaseException:
        path.unlink()
        raise
    return {
        "key_id": entry.key_id,
        "file": str(path),
        "valid_from": entry.valid_from,
        "ends": {each: rfc3339(end) for each in ending},
    }


@contextmanager
def _opened(registry: str, vault: Path) -> Iterator[Registry]:
    from luutru.opening import open_registry

    opened = open_registry(registry, vault)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def _answering(*, json: bool) -> Iterator[dict[str, Any]]:
    """Collect the answer, print it, and end with the right status; an error of ours becomes an answer too."""
    from residence.errors import LuutruError, sentence

    answer: dict[str, Any] = {"ok": True}
    try:
        yield answer
    except LuutruError as error:
        answer |= {"ok": False, "problems": [error.code]}
        if not json:
            typer.echo(f"{sentence(error.code).en} ({error.detail})", err=True)
    if json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    elif answer["ok"]:
        _print(answer)
    raise typer.Exit(0 if answer["ok"] else 1)


def _print(answer: dict[str, Any]) -> None:
    if "keys" in answer:
        for key in answer["keys"]:
            until = key["revoked_at"] or key["valid_to"] or "open"
            typer.echo(
                f"{key['key_id']:<36} {key['use']:<10} {key['owner']:<20} {key['valid_from']} - {until}  {key['standing']}"
            )
        typer.echo(f"Kiosks are sent ring {answer['serial']}.")
    elif "file" in answer:
        typer.echo(f"New key {answer['key_id']} in {answer['file']}.")
        for key_id, end in answer["ends"].items():
            typer.echo(f"  {key_id} ends {end}.")
    else:
        typer.echo(f"{answer['key_id']} {'is revoked' if answer['changed'] else 'was revoked before'}.")

"""``luutru gateway keys``: which keys hold, a new one beside an old one, and a stolen one made worthless.

- The registry's key table is the truth; the running gateway follows it within a second and tells the kiosks.
- ``begin`` makes an authority's first keys, once; ``rotate`` one beside those there are. Both write private keys and so run where the key directory is;
  ``list`` and ``revoke`` need the registry only.
- A key whose file is lost is named (``--instead-of``), and the new one takes its place as if the file were there.
- No private key is ever printed.

Example: ``luutru gateway keys rotate seal && luutru gateway keys list``
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import msgspec
import typer

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from registry.database import Registry
    from residence.errors import LuutruError
    from residence.wire.keyring import KeyEntry

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


@app.command("begin")
def begin_keys(
    commune: Annotated[str, typer.Argument(help="Code of the commune whose authority this is.")],
    *,
    keys: KeysOption = Path("keys"),
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Make an authority's first keys, all at once, and print their fingerprints for the paper that witnesses sign.

    Example: luutru gateway keys begin 79-demo --keys /srv/luutru/keys
    """
    from luutru.system import random_bytes, system_clock

    with _answering(json=json) as answer, _opened(registry, vault) as opened:
        answer["keys"] = _begin(commune, keys, opened, now=system_clock().now(), random_bytes=random_bytes)


@app.command("rotate")
def rotate_key(
    purpose: Annotated[
        Purpose, typer.Argument(help="seal: opens envelopes; receipt: the gateway's; server-receipt: the server's.")
    ],
    *,
    overlap_days: OverlapOption = 30,
    instead_of: Annotated[
        list[str], typer.Option(help="A key of this kind whose file is lost, by its id; may be repeated.")
    ] = [],  # noqa: B006 - Typer's way
    keys: KeysOption = Path("keys"),
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = DEFAULT_VAULT,
    json: JsonOption = False,
) -> None:
    """Make a new key beside the old ones, which go on for the overlap; a receipt key is used from the next start of its process on.

    Example: luutru gateway keys rotate receipt --overlap-days 30

    Example: luutru gateway keys rotate seal --instead-of gateway-seal-20260701T020000Z
    """
    from luutru.system import system_clock

    now = system_clock().now()
    with _answering(json=json) as answer, _opened(registry, vault) as opened:
        answer.update(_rotate(purpose, keys, opened, lost=instead_of, now=now, end=now + timedelta(days=overlap_days)))


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


def _begin(
    commune: str, directory: Path, opened: Registry, *, now: datetime, random_bytes: Callable[[int], bytes]
) -> list[dict[str, str]]:
    """Make every file, then tell the registry of all; whatever goes wrong takes back the files made here."""
    from hashlib import sha256

    from luutru import keys
    from registry.database import current_revision, newest_revision
    from registry.kiosks import add_key
    from residence.errors import Conflict, Refused
    from residence.wire.keyring import AUTHORITY

    if current_revision(opened.engine) != newest_revision():
        raise Refused("registry.not_upgraded")
    made: dict[Path, Any] = {}
    try:
        for name, use in keys.FIRST_KEYS.items():
            path = directory / f"{name}.key"
            own_id = keys.rotated_path(directory, name, now=now).stem
            made[path] = keys.make_key(path, key_id=own_id, use=use, owner=AUTHORITY, now=now, random_bytes=random_bytes)
        with opened.writing() as connection:
            if known := _known(connection):
                _refuse(Conflict("key.exists", detail=f"this registry knows {known[0].key_id} already: rotate"))
            for entry in made.values():
                add_key(connection, entry, commune_code=commune)
    except BaseException:
        for path in made:
            path.unlink()
        raise
    return [
        {"key_id": each.key_id, "use": each.use, "fingerprint": sha256(each.public_key).hexdigest()} for each in made.values()
    ]


def _rotate(
    purpose: Purpose, directory: Path, opened: Registry, *, lost: Sequence[str], now: datetime, end: datetime
) -> dict[str, Any]:
    """Write the private key first: nobody may seal to a key that is not safely kept. A registry that says no takes it back."""
    from luutru import keys
    from luutru.system import random_bytes
    from registry.key_changes import put_beside
    from residence.clock import rfc3339
    from residence.errors import Refused
    from residence.wire.keyring import AUTHORITY

    old_ids = [*(keys.key_id_of(path) for path in keys.key_files(directory, purpose.files)), *lost]
    if not old_ids:
        raise Refused("key.file_missing", detail=f"no {purpose.files}*.key in {directory}")
    path = keys.rotated_path(directory, purpose.files, now=now)
    use = "seal" if purpose is Purpose.SEAL else "receipt"
    entry = keys.make_key(path, key_id=path.stem, use=use, owner=AUTHORITY, now=now, random_bytes=random_bytes)  # type: ignore[arg-type]
    try:
        with opened.writing() as connection:
            if unknown := set(lost) - {each.key_id for each in _known(connection) if each.use == use}:
                _refuse(Refused("key.unknown", detail=", ".join(sorted(unknown))))
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


def _known(connection: Connection) -> list[KeyEntry]:
    from registry.kiosks import keyring_entries
    from residence.wire.keyring import AUTHORITY

    return [each for each in keyring_entries(connection) if each.owner == AUTHORITY]


def _refuse(error: LuutruError) -> NoReturn:
    raise error


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
    if any("fingerprint" in each for each in answer.get("keys", ())):
        for key in answer["keys"]:
            typer.echo(f"{key['key_id']:<40} {key['use']:<10} SHA-256 {key['fingerprint']}")
    elif "keys" in answer:
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

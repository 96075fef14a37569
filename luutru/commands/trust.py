"""``luutru trust``: whom this installation trusts about chips.

- ``import`` takes certificates, revocation lists, master lists and LDIF into a folder; what does not stand is refused with its reason.
- ``show`` lists what a folder holds, ``build`` signs it as the bundle kiosks take, ``verify`` checks such a bundle.
- A master list is taken only with ``--pin``, the SHA-256 of its signer or of the certificate above it, got by another way than the list.

Example: ``luutru trust import --trust trust csca.pem --json``
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

if TYPE_CHECKING:
    from residence.credentials.chip.certificates import Certificate
    from residence.credentials.chip.trust_store import LeftOut, TrustStore
    from residence.wire.trust_bundle import BundleDeviation

app = typer.Typer(no_args_is_help=True, help="Whom this installation trusts about chips.")

TrustOption = Annotated[Path, typer.Option("--trust", help="Folder of certificates and revocation lists.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def _counts(store: TrustStore) -> dict[str, Any]:
    countries = sorted({each.country for each in store.anchors})
    return {
        "anchors": len(store.anchors),
        "links": len(store.links),
        "lists": len(store.lists),
        "countries": countries,
        "highest_level": 3 if store.is_empty else 5,
    }


def _refused(items: tuple[LeftOut, ...] | list[LeftOut]) -> list[dict[str, str]]:
    from residence.errors import sentence

    return [{"what": each.what, "code": each.reason, "reason": sentence(each.reason).en} for each in items]


def _print(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(answer).decode())
        return
    for key, value in answer.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for each in value:
                typer.echo(f"{key}: " + ", ".join(f"{name} {text}" for name, text in each.items()))
        else:
            typer.echo(f"{key}: {', '.join(map(str, value)) if isinstance(value, list) else value}")
    if answer.get("highest_level") == 3:  # noqa: PLR2004
        typer.echo("No issuer is trusted: a chip is never more than 'signed, issuer unknown' (level 3).")


@app.command("import")
def take(
    files: Annotated[list[Path], typer.Argument(help="PEM, DER, master list or LDIF files, or folders of them.", exists=True)],
    *,
    trust: TrustOption,
    pin: Annotated[list[str] | None, typer.Option(help="SHA-256 of a master list's signer, or of the one above it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Take certificates and revocation lists into the folder.

    Example: luutru trust import --trust trust --pin 5f2c... national-master-list.ml
    """
    from luutru import trust_folder
    from luutru.system import SystemClock, account_name
    from residence.clock import rfc3339
    from residence.credentials.chip.trust_sources import Gathered
    from residence.credentials.chip.trust_store import assemble

    pinned = frozenset(each.replace(":", "").lower() for each in pin or ())
    gathered = trust_folder.gather_files(files, pinned=pinned)
    held = trust_folder.gather_files([trust], pinned=frozenset()) if trust.is_dir() else Gathered()
    store = assemble([*held.certificates, *gathered.certificates], [*held.lists, *gathered.lists])
    new = trust_folder.save(
        trust, store, source=", ".join(each.name for each in files), by=account_name(), at=rfc3339(SystemClock().now())
    )
    refused = [*gathered.left_out, *store.left_out]
    answer = {**_counts(store), "new": new, "document_signers_left_out": gathered.document_signers, "refused": _refused(refused)}
    _print(answer, as_json=as_json)
    raise typer.Exit(1 if refused else 0)


def _line(certificate: Certificate, kind: str) -> dict[str, str]:
    from residence.errors import LuutruError

    try:
        key = certificate.key.name
    except LuutruError as error:
        key = error.code
    return {
        "kind": kind,
        "country": certificate.country,
        "from": certificate.not_before.date().isoformat(),
        "to": certificate.not_after.date().isoformat(),
        "key": key,
        "sha256": certificate.fingerprint,
    }


def _departure(each: BundleDeviation) -> dict[str, str]:
    whom = each.country or each.fingerprint
    return {"id": each.id, "rule": each.rule, "for": whom, "until": each.until.isoformat(), "reason": each.reason}


def _loaded(folder: Path, *, as_json: bool) -> tuple[TrustStore, tuple[BundleDeviation, ...]]:
    """Return what a folder makes trusted and accepts, or end with why it cannot be read."""
    from luutru import trust_folder
    from residence.errors import LuutruError, sentence

    try:
        return trust_folder.load(folder), trust_folder.read_deviations(folder)
    except LuutruError as error:
        _print({"ok": False, "code": error.code, "detail": error.detail, "reason": sentence(error.code).en}, as_json=as_json)
        raise typer.Exit(1) from None


@app.command("show")
def show(*, trust: TrustOption, as_json: JsonOption = False) -> None:
    """List what the folder makes trusted.

    Example: luutru trust show --trust trust
    """
    store, deviations = _loaded(trust, as_json=as_json)
    accepted = [_departure(each) for each in deviations]
    rows = [*(_line(each, "anchor") for each in store.anchors), *(_line(each, "link") for each in store.links)]
    answer = {**_counts(store), "certificates": rows, "deviations": accepted, "refused": _refused(store.left_out)}
    _print(answer, as_json=as_json)


@app.command("build")
def build(
    *,
    trust: TrustOption,
    key: Annotated[Path, typer.Option(help="The authority's keyring key, which kiosks already trust.", exists=True)],
    out: Annotated[Path, typer.Option(help="The bundle to write.")],
    version: Annotated[int, typer.Option(min=1, help="Must rise with every bundle.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it counts as fresh.")] = 30,
    as_json: JsonOption = False,
) -> None:
    """Sign the folder as the bundle that kiosks, gateways and servers take.

    Example: luutru trust build --trust trust --key keys/keyring.key --version 8 --out trust.bundle
    """
    from luutru.keys import read_signing_key
    from luutru.system import SystemClock
    from residence.errors import LuutruError
    from residence.wire.trust_bundle import TrustBundle, sign_bundle

    store, deviations = _loaded(trust, as_json=as_json)
    now = SystemClock().now()
    bundle = TrustBundle(
        version=version,
        issued=now,
        expires=now + timedelta(days=days),
        certificates=tuple(each.raw for each in (*store.anchors, *store.links)),
        lists=tuple(each.raw for each in store.lists),
        deviations=deviations,
    )
    try:
        data = sign_bundle(bundle, read_signing_key(key, use="keyring"))
    except LuutruError as error:
        raise typer.BadParameter(f"{error.detail} [{error.code}]", param_hint="--key") from None
    out.write_bytes(data)
    answer = {**_counts(store), "deviations": len(bundle.deviations), "version": version, "bytes": len(data)}
    _print(answer, as_json=as_json)


@app.command("verify")
def verify(
    bundle: Annotated[Path, typer.Argument(help="A signed bundle.", exists=True)],
    *,
    keyring: Annotated[Path, typer.Option(help="The keyring that vouches for it.", exists=True)],
    held: Annotated[int, typer.Option(help="The version in use; an older bundle is refused.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Check a signed bundle: its signature, its version, its end, and everything in it.

    Example: luutru trust verify trust.bundle --keyring keyring.json --held 7
    """
    from luutru.system import SystemClock
    from residence.errors import LuutruError
    from residence.wire.keyring import load_keyring
    from residence.wire.trust_bundle import accept_bundle, store_of

    now = SystemClock().now()
    try:
        found = accept_bundle(bundle.read_bytes(), keyring=load_keyring(keyring.read_bytes()), at=now, held=held)
    except LuutruError as error:
        _print({"ok": False, "code": error.code, "detail": error.detail}, as_json=as_json)
        raise typer.Exit(1) from None
    store = store_of(found)
    answer = {"ok": True, "version": found.version, "fresh": not store.has_run_out(now), **_counts(store)}
    answer["deviations"] = len(store.deviations)
    _print({**answer, "refused": _refused(store.left_out)}, as_json=as_json)

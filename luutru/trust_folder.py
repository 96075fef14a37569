"""A folder that holds whom to trust about chips: certificates and revocation lists as files, made and read only here.

- ``<sha256>.cer`` is one certificate in DER, ``<sha256>.crl`` one revocation list; ``sources.jsonl`` says what was taken in from which file.
- ``deviations.toml``, written by hand, holds the departures that are accepted: each with an id, a rule, an end, a reason, and whom it is for.
- Files are written whole: under another name first, then renamed.

Example: ``load(Path("trust"))``
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from residence.credentials.chip.trust_sources import Gathered, gather
from residence.credentials.chip.trust_store import TrustStore, assemble
from residence.errors import Malformed

if TYPE_CHECKING:
    from residence.wire.trust_bundle import BundleDeviation

SOURCES: Final = "sources.jsonl"
DEVIATIONS: Final = "deviations.toml"
_ENDINGS: Final = {".pem", ".der", ".cer", ".crt", ".crl", ".ml", ".ldif"}


def files_under(paths: list[Path]) -> list[Path]:
    """Return the files named, and those with a known ending in folders named."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(each for each in path.rglob("*") if each.is_file() and each.suffix.lower() in _ENDINGS)
        else:
            found.append(path)
    return found


def gather_files(paths: list[Path], *, pinned: frozenset[str]) -> Gathered:
    """Read every file."""
    total = Gathered()
    for path in files_under(paths):
        part = gather(path.read_bytes(), pinned=pinned, what=path.name)
        total.certificates += part.certificates
        total.lists += part.lists
        total.left_out += part.left_out
        total.document_signers += part.document_signers
    return total


def load(folder: Path) -> TrustStore:
    """Return what a folder makes trusted; an empty store when it is empty."""
    found = gather_files([folder], pinned=frozenset()) if folder.is_dir() else Gathered()
    return assemble(found.certificates, found.lists, deviations=tuple(each.accepted for each in read_deviations(folder)))


def read_deviations(folder: Path) -> tuple[BundleDeviation, ...]:
    """Return the departures a folder accepts; ``Malformed("trust.deviation")`` where one of them says too little."""
    from residence.wire.trust_bundle import BundleDeviation

    path = folder / DEVIATIONS
    if not path.is_file():
        return ()
    try:
        listed = tomllib.loads(path.read_text("utf-8")).pop("deviation", [])
        found = tuple(msgspec.convert(each, BundleDeviation) for each in listed)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise Malformed("trust.deviation", f"/{DEVIATIONS}", str(error)) from error
    if len({each.id for each in found}) < len(found):
        raise Malformed("trust.deviation", f"/{DEVIATIONS}", "an id twice")
    for each in found:
        if not each.id or not each.reason or bool(each.country) is bool(each.fingerprint):
            raise Malformed(
                "trust.deviation", f"/{DEVIATIONS}", f"{each.id or '?'}: a reason, and one of country and fingerprint"
            )
    return found


def save(folder: Path, store: TrustStore, *, source: str, by: str, at: str) -> int:
    """Add a store's certificates and lists to a folder and note where they came from; return how many were new."""
    folder.mkdir(parents=True, exist_ok=True)
    new = 0
    for raw, ending in (
        *((each.raw, ".cer") for each in (*store.anchors, *store.links)),
        *((each.raw, ".crl") for each in store.lists),
    ):
        path = folder / f"{hashlib.sha256(raw).hexdigest()}{ending}"
        if not path.exists():
            new += 1
            half = path.with_suffix(".half")
            half.write_bytes(raw)
            half.replace(path)
    with (folder / SOURCES).open("ab") as notes:
        notes.write(msgspec.json.encode({"at": at, "by": by, "source": source, "new": new}) + b"\n")
    return new

"""The folder a fleet's configuration is served from: signed metadata and one document for each kiosk, as static files.

- root (two of its holders at least, offline) -> targets (offline) -> one role for each district -> that district's bins, signed with its key.
  A district's key signs nothing outside its own folder, and a kiosk's document is found by the hash of its name, so that what each kiosk
  fetches stays small at 5,000 and more.
- snapshot and timestamp share one key, which may be on a machine with a network: it can hold back and not forge, and what it signs ends soon.
- A new root is written to ``staged/`` and signed by its holders one after another, each on a machine of their own; with enough
  signatures, of the old root's holders as well, it takes its place. It is not served before.
- Documents and metadata have their version or hash in their names, and nothing is replaced but ``timestamp.json``, written last: whoever
  fetches in the middle of publishing gets the one or the other, whole. What was cut off in the middle is finished by the same command again.
- One process publishes at a time; a second one waits.

Example: ``repository.publish("ward-01", {"kiosk-lobby-1": document}, signer=..., online=..., now=now)``
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from securesystemslib.exceptions import StorageError
from securesystemslib.signer import CryptoSigner, Key
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    SuccinctRoles,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization import DeserializationError
from tuf.api.serialization.json import JSONSerializer

from firmware_config.signed.document import SIGNED_AT
from firmware_config.signed.paths import SETTINGS, document_path
from residence.clock import rfc3339
from residence.errors import Conflict, Malformed, Refused, Untrusted

THRESHOLD: Final = 2
BITS: Final = 5  # 32 bins in each district
ROOT_DAYS, TARGETS_DAYS, SNAPSHOT_DAYS, TIMESTAMP_DAYS = 730, 365, 30, 7
_JSON: Final = JSONSerializer(compact=False)
_DISTRICT: Final = re.compile(r"(?!.*-bin-)[a-z0-9][a-z0-9-]{0,62}")
_NO_DISTRICTS: Final = frozenset({Root.type, Targets.type, Snapshot.type, Timestamp.type})
_Words = ParamSpec("_Words")
_Answer = TypeVar("_Answer")


def _alone(
    work: Callable[Concatenate[ConfigurationRepository, _Words], _Answer],
) -> Callable[Concatenate[ConfigurationRepository, _Words], _Answer]:
    """Let one process at a time write."""

    @wraps(work)
    def do(self: ConfigurationRepository, /, *words: _Words.args, **named: _Words.kwargs) -> _Answer:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".writing").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return work(self, *words, **named)

    return do


class ConfigurationRepository:
    """One folder: ``metadata/``, ``documents/``, ``staged/``."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        self.metadata: Final = folder / "metadata"
        self.documents: Final = folder / "documents"
        self.staged: Final = folder / "staged" / "root.json"

    @_alone
    def stage_root(self, holders: Sequence[Key], *, targets: Key, online: Key, now: datetime) -> int:
        """Write an unsigned root with these keys; return its version. ``Refused`` with fewer holders than must sign."""
        if len({each.keyid for each in holders}) < THRESHOLD:
            raise Refused("configuration.holders", "", f"a root has {THRESHOLD} holders at least")
        before = self.root()
        version = before.version + 1 if before else 1
        root = Root(version=version, expires=now + timedelta(days=ROOT_DAYS), consistent_snapshot=True)
        for key in holders:
            root.add_key(key, Root.type)
        root.add_key(targets, Targets.type)
        for role in (Snapshot.type, Timestamp.type):
            root.add_key(online, role)
        root.roles[Root.type].threshold = THRESHOLD
        _write(self.staged, Metadata(root))
        return version

    @_alone
    def sign_root(self, signer: CryptoSigner) -> bool:
        """Add one holder's signature to the staged root; True when it is complete and in its place."""
        staged: Metadata[Root] = _read(self.staged, Root)
        before = self.root_metadata()
        known = set(staged.signed.roles[Root.type].keyids) | (set(before.signed.roles[Root.type].keyids) if before else set())
        if signer.public_key.keyid not in known:
            raise Untrusted("configuration.not_a_holder", "", "this key is no holder's, of the old root or the new one")
        staged.sign(signer, append=True)
        _write(self.staged, staged)
        try:
            staged.verify_delegate(Root.type, staged)
            if before is not None:
                before.verify_delegate(Root.type, staged)
        except RepositoryError:
            return False
        _write(self.metadata / f"{staged.signed.version}.root.json", staged)
        self.staged.unlink()
        return True

    @_alone
    def begin(self, *, targets: CryptoSigner, online: CryptoSigner, now: datetime) -> None:
        """Write the first targets, snapshot and timestamp."""
        if self._newest(Targets.type):
            raise Conflict("configuration.begun", "", "there are targets already")
        self._save(Targets.type, Targets(version=1, expires=now + timedelta(days=TARGETS_DAYS)), targets)
        self._renewed(online, now)

    @_alone
    def delegate(
        self,
        district: str,
        key: Key,
        *,
        targets: CryptoSigner,
        district_signer: CryptoSigner,
        online: CryptoSigner,
        now: datetime,
    ) -> None:
        """Give a district its folder, and lay its empty bins. A second time: another key for the same district."""
        if not _DISTRICT.fullmatch(district) or district in _NO_DISTRICTS:
            raise Malformed("configuration.district", "", district)
        top: Targets = self._load(Targets.type, Targets).signed
        delegations = top.delegations or Delegations({}, {})
        roles = dict(delegations.roles or {})
        if district in roles:
            for old in list(roles[district].keyids):
                top.revoke_key(old, district)
        roles[district] = DelegatedRole(district, [], 1, terminating=True, paths=[f"{district}/*/*"])
        top.delegations = Delegations(delegations.keys, roles)
        top.add_key(key, district)
        self._next(Targets.type, top, targets, now)
        own = Targets(version=1, expires=now)
        own.delegations = Delegations({}, succinct_roles=SuccinctRoles([], 1, BITS, f"{district}-bin"))
        own.add_key(district_signer.public_key)
        self._next(district, own, district_signer, now)
        for bin_name in own.delegations.succinct_roles.get_roles():  # type: ignore[union-attr]  # set two lines above
            before = self._load(bin_name, Targets).signed if self._newest(bin_name) else Targets(version=1, expires=now)
            self._next(bin_name, before, district_signer, now)
        self._renewed(online, now)

    def publish(
        self, district: str, documents: Mapping[str, bytes], *, signer: CryptoSigner, online: CryptoSigner, now: datetime
    ) -> list[str]:
        """Publish these kiosks' documents; return the kiosks whose document is another than before."""
        papers = {document_path(district, kiosk_id): data for kiosk_id, data in documents.items()}
        return [_owner(path) for path in self.put(district, papers, signer=signer, online=online, now=now)]

    @_alone
    def put(
        self, district: str, papers: Mapping[str, bytes], *, signer: CryptoSigner, online: CryptoSigner, now: datetime
    ) -> list[str]:
        """Publish papers of a district by their paths; return the paths whose paper is another than before."""
        bins = self._bins(district)
        if signer.public_key.keyid not in bins.keyids:
            raise Untrusted("configuration.not_the_districts", "", f"this key does not sign for {district}")
        roles: dict[str, Targets] = {}
        changed: set[str] = set()
        put = []
        for path, data in sorted(papers.items()):
            name = bins.get_role_for_target(path)
            role = roles.setdefault(name, roles.get(name) or self._load(name, Targets).signed)
            target = TargetFile.from_data(path, data, ["sha256"])
            if role.targets.get(path) == target:
                continue
            _write_bytes(self._file_of(path, target), data)
            role.targets[path] = target
            changed.add(name)
            put.append(path)
        for name in sorted(changed):
            self._next(name, roles[name], signer, now)
        self._renewed(online, now)
        return put

    def published(self, district: str, *, kind: str = SETTINGS) -> dict[str, bytes]:
        """Return what is published now for a district: of each kiosk its settings, or what else there is of another ``kind``."""
        return {
            _owner(path): self._file_of(path, target).read_bytes()
            for name in self._bins(district).get_roles()
            for path, target in self._load(name, Targets).signed.targets.items()
            if path.endswith(f"/{kind}")
        }

    def _file_of(self, path: str, target: TargetFile) -> Path:
        folder, _, file = path.rpartition("/")
        return self.documents / folder / f"{target.hashes['sha256']}.{file}"

    @_alone
    def renew(self, *, online: CryptoSigner, now: datetime) -> None:
        """Sign snapshot and timestamp again, before they end."""
        self._renewed(online, now)

    def root(self) -> Root | None:
        """Return the newest root that is served."""
        found = self.root_metadata()
        return found.signed if found else None

    def root_metadata(self) -> Metadata[Root] | None:
        """Return it with its signatures."""
        newest = self._newest(Root.type)
        return _read(self.metadata / f"{newest}.root.json", Root) if newest else None

    def _bins(self, district: str) -> SuccinctRoles:
        delegations = self._load(district, Targets).signed.delegations
        if delegations is None or delegations.succinct_roles is None:
            raise Malformed("configuration.repository", "", f"{district} has no bins")
        bins: SuccinctRoles = delegations.succinct_roles
        return bins

    def _newest(self, role: str) -> int:
        versions = (each.name.partition(".")[0] for each in self.metadata.glob(f"*.{role}.json"))
        return max((int(each) for each in versions if each.isdigit()), default=0)

    def _load(self, role: str, kind: type[Any]) -> Metadata[Any]:
        newest = self._newest(role)
        if not newest:
            raise Refused("configuration.unknown_district", "", f"{role} was never published here")
        return _read(self.metadata / f"{newest}.{role}.json", kind)

    def _next(self, role: str, signed: Targets, signer: CryptoSigner, now: datetime) -> None:
        signed.version = self._newest(role) + 1
        signed.expires = now + timedelta(days=TARGETS_DAYS)
        self._save(role, signed, signer)

    def _save(self, role: str, signed: Any, signer: CryptoSigner) -> None:
        metadata = Metadata(signed)
        metadata.sign(signer)
        _write(self.metadata / f"{signed.version}.{role}.json", metadata)

    def _renewed(self, online: CryptoSigner, now: datetime) -> None:
        number = self._newest(Snapshot.type) + 1
        newest: dict[str, int] = {}
        for each in self.metadata.glob("[0-9]*.*.json"):
            version, _, name = each.name.partition(".")
            if name.removesuffix(".json") not in {Root.type, Snapshot.type}:
                newest[name] = max(newest.get(name, 0), int(version))
        meta = {name: MetaFile(version) for name, version in sorted(newest.items())}
        self._save(Snapshot.type, Snapshot(version=number, expires=now + timedelta(days=SNAPSHOT_DAYS), meta=meta), online)
        path = self.metadata / "timestamp.json"
        before = _read(path, Timestamp).signed.version if path.exists() else 0
        timestamp = Timestamp(
            version=before + 1,
            expires=now + timedelta(days=TIMESTAMP_DAYS),
            snapshot_meta=MetaFile(number),
            unrecognized_fields={SIGNED_AT: rfc3339(now)},
        )
        metadata = Metadata(timestamp)
        metadata.sign(online)
        _write(path, metadata)


def _owner(path: str) -> str:
    """Return whose a paper is: the kiosk, the site, or the words."""
    return path.split("/")[1]


def _read(path: Path, kind: type[Any]) -> Metadata[Any]:
    try:
        found: Metadata[Any] = Metadata.from_file(str(path))
    except (StorageError, DeserializationError) as error:
        raise Malformed("configuration.repository", "", f"{path.name}: {error}") from error
    if not isinstance(found.signed, kind):
        raise Malformed("configuration.repository", "", f"{path.name} is of another kind")
    return found


def _write(path: Path, metadata: Metadata[Any]) -> None:
    _write_bytes(path, metadata.to_bytes(_JSON))


def _write_bytes(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{hashlib.sha256(data).hexdigest()[:8]}")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

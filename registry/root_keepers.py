"""Who keeps the root that wraps every other key: a file, a PKCS#11 token or a TPM, behind one small port.

- A keeper wraps and unwraps 32-byte keys under a root it names (``file-1``, ``pkcs11-2``, ``tpm-1``). It may have two roots while one takes
  the other's place; the one with the highest number is in force. A destroyed root is gone with everything only it wrapped.
- Which keeper a vault's folder has is said in its ``keeper.toml``; without that file the root is a file beside the rest, which is for one
  machine, the demo and tests.
- What a keeper returns is for this program alone: nonce, ciphertext and tag of AES-256-GCM with the key's name as associated data.

Example: ``open_keeper(Path("vault"), random_bytes=secrets.token_bytes).ids()`` is ``["file-1"]``
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from registry.durable_files import destroy_file, replace_whole, write_new
from residence.errors import Malformed, Untrusted

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
KEEPER_FILE: Final = "keeper.toml"
_FIRST: Final = "root.key"


class RootKeeper(Protocol):
    """What a folder of keys asks of whoever keeps its root."""

    @property
    def prefix(self) -> str:
        """Return what the names of its roots begin with; the rest is a number."""
        ...

    def ids(self) -> list[str]:
        """Return the names of the roots there are, the one in force last."""
        ...

    def make(self) -> str:
        """Make a root that is in force from now on; returns its name."""
        ...

    def wrap(self, root_id: str, key: bytes, context: bytes) -> bytes:
        """Seal a key under a root; ``Untrusted("vault.root_gone")`` when there is no such root."""
        ...

    def unwrap(self, root_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Open what ``wrap`` gave, or raise ``Untrusted("vault.wrong_root" | "vault.root_gone")``."""
        ...

    def destroy(self, root_id: str) -> None:
        """Destroy a root for good; none there is no error."""
        ...


class KeeperSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``keeper.toml`` says. Paths are absolute or lie beside the file."""

    kind: Literal["file", "pkcs11", "tpm"] = "file"
    module: str = ""  # pkcs11: the token maker's library
    token: str = ""  # pkcs11: the token's label
    label: str = "luutru-root"  # pkcs11: its keys are called label-1, label-2, ...
    pin_file: str = ""  # pkcs11: the user's PIN, one line; tpm: the password of the roots, one line
    tcti: str = ""  # tpm: how to reach it, as tpm2-tools take it; empty: their default
    first_index: int = 0x01800100  # tpm: the NV index of the first root; the next ones follow
    most_roots: int = 16  # tpm: how many indexes from it on are ours
    former: KeeperSettings | None = None  # while the root moves from one keeper to another: where it was


def read_keeper(folder: Path) -> KeeperSettings:
    """Return what a folder says of its keeper, or raise ``Malformed("vault.keeper_malformed")``."""
    try:
        text = (folder / KEEPER_FILE).read_bytes()
    except FileNotFoundError:
        return KeeperSettings()
    return parse_keeper(text)


def parse_keeper(text: bytes) -> KeeperSettings:
    """Read what a ``keeper.toml`` says, or raise ``Malformed("vault.keeper_malformed")``."""
    try:
        return msgspec.toml.decode(text, type=KeeperSettings)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed("vault.keeper_malformed", "", str(error)) from error


def open_keeper(folder: Path, *, random_bytes: Callable[[int], bytes], settings: KeeperSettings | None = None) -> RootKeeper:
    """Open the keeper a folder names, or the one that is to be named."""
    said = settings or read_keeper(folder)
    if said.former is not None:
        former = open_keeper(folder, random_bytes=random_bytes, settings=said.former)
        return MovingRoots(former, open_keeper(folder, random_bytes=random_bytes, settings=_alone(said)))
    secret = _secret(folder, said)
    match said.kind:
        case "file":
            return FileRoots(folder, random_bytes=random_bytes)
        case "pkcs11":
            from registry.root_pkcs11 import Pkcs11Roots

            return Pkcs11Roots(Path(said.module), token=said.token, label=said.label, pin=secret, random_bytes=random_bytes)
        case "tpm":
            from registry.root_tpm import TpmRoots

            return TpmRoots(
                tcti=said.tcti, first=said.first_index, most=said.most_roots, password=secret, random_bytes=random_bytes
            )


def write_keeper(folder: Path, settings: KeeperSettings) -> None:
    """Say in a folder who keeps its root."""
    lines = _lines(settings)
    if settings.former is not None:
        lines += ["[former]", *_lines(settings.former)]
    replace_whole(folder / KEEPER_FILE, "".join(f"{line}\n" for line in lines).encode())


def _lines(settings: KeeperSettings) -> list[str]:
    """Return settings as TOML: its strings and whole numbers are written as JSON's are."""
    said = msgspec.to_builtins(settings)
    return [f"{name} = {msgspec.json.encode(value).decode()}" for name, value in said.items() if name != "former"]


def _alone(settings: KeeperSettings) -> KeeperSettings:
    return msgspec.structs.replace(settings, former=None)


def _secret(folder: Path, said: KeeperSettings) -> str:
    if not said.pin_file:
        return ""
    try:
        return (folder / said.pin_file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed("vault.keeper_malformed", "/pin_file", str(error)) from error


class MovingRoots:
    """Two keepers while the root moves from one to the other: both open, the new one seals."""

    def __init__(self, former: RootKeeper, new: RootKeeper) -> None:
        self._former, self._new = former, new

    @property
    def prefix(self) -> str:
        """Return the new keeper's."""
        return self._new.prefix

    def ids(self) -> list[str]:
        """Return the former keeper's roots, then the new one's."""
        return [*self._former.ids(), *self._new.ids()]

    def make(self) -> str:
        """Make a root with the new keeper."""
        return self._new.make()

    def wrap(self, root_id: str, key: bytes, context: bytes) -> bytes:
        """Seal a key with whoever has that root."""
        return self._of(root_id).wrap(root_id, key, context)

    def unwrap(self, root_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Open a key with whoever has that root."""
        return self._of(root_id).unwrap(root_id, wrapped, context)

    def destroy(self, root_id: str) -> None:
        """Destroy a root with whoever has it."""
        self._of(root_id).destroy(root_id)

    def _of(self, root_id: str) -> RootKeeper:
        return self._new if root_id.startswith(self._new.prefix) else self._former


class FileRoots:
    """Roots in files of the folder itself."""

    prefix: Final = "file-"

    def __init__(self, folder: Path, *, random_bytes: Callable[[int], bytes]) -> None:
        self._folder = folder
        self._random_bytes = random_bytes

    def ids(self) -> list[str]:
        """Return the names of the roots there are."""
        numbers = [1] if (self._folder / _FIRST).exists() else []
        numbers += [number for path in self._folder.glob("root-*.key") if (number := number_of(path.stem))]
        return [f"{self.prefix}{number}" for number in sorted(numbers)]

    def make(self) -> str:
        """Write a new root beside the others."""
        number = max((number_of(each) for each in self.ids()), default=0) + 1
        write_new(self._path(number), self._random_bytes(KEY_BYTES))
        return f"{self.prefix}{number}"

    def wrap(self, root_id: str, key: bytes, context: bytes) -> bytes:
        """Seal a key under a root."""
        nonce = self._random_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._root(root_id)).encrypt(nonce, key, context)

    def unwrap(self, root_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Open what a root sealed."""
        return open_wrapped(self._root(root_id), wrapped, context)

    def destroy(self, root_id: str) -> None:
        """Overwrite and remove a root's file."""
        destroy_file(self._path(number_of(root_id)))

    def _path(self, number: int) -> Path:
        return self._folder / (_FIRST if number == 1 else f"root-{number}.key")

    def _root(self, root_id: str) -> bytes:
        try:
            return self._path(number_of(root_id)).read_bytes() if root_id.startswith(self.prefix) else _gone(root_id)
        except FileNotFoundError:
            return _gone(root_id)


def open_wrapped(root: bytes, wrapped: bytes, context: bytes) -> bytes:
    """Open a key under a root that is at hand, or raise ``Untrusted("vault.wrong_root")``."""
    try:
        return AESGCM(root).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise Untrusted("vault.wrong_root", "", context.decode(errors="replace")) from error


def number_of(name: str) -> int:
    """Return the number a root's name ends in; 0 when it has none."""
    digits = name.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _gone(root_id: str) -> bytes:
    raise Untrusted("vault.root_gone", "", root_id)

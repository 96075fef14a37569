"""Roots in a TPM: each in a non-volatile index of its own, read with a password, and gone when the index is undefined.

- ``tpm2_nvdefine``, ``tpm2_nvwrite``, ``tpm2_nvread`` and ``tpm2_nvundefine`` do it (package tpm2-tools). A root goes through pipes and never
  through a file or an argument; the password through a file in memory (memfd) that only the tool inherits.
- The root is in this process's memory once it was read, unlike a token's: what a TPM gives is that the folder and the disk alone open nothing,
  and that a destroyed root cannot come back from any backup.
- A wrong password counts towards the TPM's own lock-out (no ``noda``), which is what keeps somebody with the machine from trying them all.

Example: ``TpmRoots(tcti="device:/dev/tpmrm0", first=0x01800100, most=16, password=password, random_bytes=secrets.token_bytes)``
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from registry.root_keepers import KEY_BYTES, NONCE_BYTES, number_of, open_wrapped
from residence.errors import Refused, Untrusted

_MAY: Final = "authread|authwrite|ownerwrite"
_PATIENCE: Final = 60  # seconds; a TPM that computes for others may take its time


class TpmRoots:
    """The roots of one TPM."""

    def __init__(self, *, tcti: str, first: int, most: int, password: str, random_bytes: Callable[[int], bytes]) -> None:
        self._tcti, self._first, self._most, self._password = tcti, first, most, password
        self.prefix: Final = f"tpm/{first:08x}-"
        self._random_bytes = random_bytes
        self._known: dict[str, bytes] = {}

    def ids(self) -> list[str]:
        """Return the names of the roots the TPM has."""
        said = self._run("tpm2_getcap", "handles-nv-index").decode("ascii", "replace")
        there = {int(word, 16) for word in said.split() if word.startswith("0x")}
        return [f"{self.prefix}{number}" for number in range(1, self._most + 1) if self._first + number - 1 in there]

    def make(self) -> str:
        """Draw a root and put it into the next index."""
        number = max((number_of(each) for each in self.ids()), default=0) + 1
        if number > self._most:
            raise Refused("vault.keeper_full", "", f"{self._most} indexes")
        index, root, root_id = self._index(number), self._random_bytes(KEY_BYTES), f"{self.prefix}{number}"
        self._run("tpm2_nvdefine", index, "-C", "o", "-s", str(KEY_BYTES), "-a", _MAY, asks="-p")
        self._run("tpm2_nvwrite", index, "-C", index, "-i", "-", asks="-P", given=root)
        if self._read(root_id) != root:
            raise Refused("vault.keeper_away", "", "the TPM gives back something else")
        return root_id

    def wrap(self, root_id: str, key: bytes, context: bytes) -> bytes:
        """Seal a key under a root."""
        nonce = self._random_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._root(root_id)).encrypt(nonce, key, context)

    def unwrap(self, root_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Open what a root sealed."""
        return open_wrapped(self._root(root_id), wrapped, context)

    def destroy(self, root_id: str) -> None:
        """Undefine a root's index; the TPM forgets it."""
        self._known.pop(root_id, None)
        if root_id in self.ids():
            self._run("tpm2_nvundefine", self._index(number_of(root_id)), "-C", "o")

    def _index(self, number: int) -> str:
        return f"0x{self._first + number - 1:08x}"

    def _root(self, root_id: str) -> bytes:
        root = self._known.get(root_id)
        if root is None:
            if not root_id.startswith(self.prefix) or root_id not in self.ids():
                raise Untrusted("vault.root_gone", "", root_id)
            root = self._known[root_id] = self._read(root_id)
        return root

    def _read(self, root_id: str) -> bytes:
        index = self._index(number_of(root_id))
        return self._run("tpm2_nvread", index, "-C", index, "-s", str(KEY_BYTES), asks="-P")

    def _run(self, program: str, *arguments: str, asks: str = "", given: bytes = b"") -> bytes:
        """Run one of the tools; ``asks``: the option by which it takes the roots' password."""
        found = shutil.which(program)
        if found is None:
            raise Refused("vault.keeper_away", "", f"{program} is not installed (tpm2-tools)")
        where = ("-T", self._tcti) if self._tcti else ()
        handle = os.memfd_create("luutru")
        try:
            os.write(handle, self._password.encode())
            secret = (asks, f"file:/proc/self/fd/{handle}") if asks else ()
            done = subprocess.run(
                [found, *where, *arguments, *secret],
                input=given,
                capture_output=True,
                check=False,
                timeout=_PATIENCE,
                pass_fds=(handle,),
            )
        except subprocess.TimeoutExpired as error:
            raise Refused("vault.keeper_away", "", program) from error
        finally:
            os.close(handle)
        if done.returncode != 0:
            raise Refused("vault.keeper_away", "", f"{program}: {done.stderr.decode(errors='replace').strip()[-300:]}")
        return done.stdout

"""Roots in a PKCS#11 token: made there, never leaving it, and gone with ``C_DestroyObject``.

- A root is an AES-256 object, sensitive and not extractable; the token itself seals and opens period keys (CKM_AES_GCM). Nobody who copies
  the folder, the database or this process's disk has it.
- Its objects are called ``<label>-1``, ``<label>-2``, ...: the highest number is in force.
- The token is asked once for each period key in a process's life, never for a person's field. A session that broke is opened anew, once.

Example: ``Pkcs11Roots(Path("/usr/lib/softhsm/libsofthsm2.so"), token="luutru", label="luutru-root", pin=pin, random_bytes=...)``
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeVar

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import EncryptedDataInvalid, GeneralError, NoSuchKey, PKCS11Error, UserAlreadyLoggedIn

from registry.root_keepers import KEY_BYTES, NONCE_BYTES
from residence.errors import Refused, Untrusted

_TAG_BITS: Final = 128
Value = TypeVar("Value")


class Pkcs11Roots:
    """The roots of one token. One session for each process, one call at a time."""

    def __init__(self, module: Path, *, token: str, label: str, pin: str, random_bytes: Callable[[int], bytes]) -> None:
        self._module, self._token, self._label, self._pin = module, token, label, pin
        self.prefix: Final = f"pkcs11/{token}/{label}-"
        self._random_bytes = random_bytes
        self._session: Any = None
        self._lock = Lock()

    def ids(self) -> list[str]:
        """Return the names of the roots the token has."""
        return [f"{self.prefix}{number}" for number in sorted(self._do(self._numbers))]

    def make(self) -> str:
        """Have the token make a root."""

        def work(session: Any) -> str:
            number = max(self._numbers(session), default=0) + 1
            session.generate_key(
                KeyType.AES,
                8 * KEY_BYTES,
                label=f"{self._label}-{number}",
                store=True,
                template={
                    Attribute.SENSITIVE: True,
                    Attribute.EXTRACTABLE: False,
                    Attribute.PRIVATE: True,
                    Attribute.ENCRYPT: True,
                    Attribute.DECRYPT: True,
                    Attribute.WRAP: False,
                    Attribute.UNWRAP: False,
                },
            )
            return f"{self.prefix}{number}"

        return self._do(work)

    def wrap(self, root_id: str, key: bytes, context: bytes) -> bytes:
        """Have the token seal a key."""
        nonce = self._random_bytes(NONCE_BYTES)

        def work(session: Any) -> bytes:
            found = self._found(session, root_id)
            sealed = found.encrypt(key, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, context, _TAG_BITS))
            return nonce + bytes(sealed)

        return self._do(work)

    def unwrap(self, root_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Have the token open a key. One that fails on it and opens a key of its own says that this one is not of this root."""
        if len(wrapped) <= NONCE_BYTES:
            raise Untrusted("vault.wrong_root")
        try:
            return self._opened(root_id, wrapped, context)
        except Refused as error:
            if not isinstance(error.__cause__, GeneralError):  # what SoftHSM says of a tag that does not fit, and of much else
                raise
            self._opened(root_id, self.wrap(root_id, bytes(KEY_BYTES), context), context)
            raise Untrusted("vault.wrong_root") from error

    def _opened(self, root_id: str, wrapped: bytes, context: bytes) -> bytes:
        how = GCMParams(wrapped[:NONCE_BYTES], context, _TAG_BITS)

        def work(session: Any) -> bytes:
            found = self._found(session, root_id)
            return bytes(found.decrypt(wrapped[NONCE_BYTES:], mechanism=Mechanism.AES_GCM, mechanism_param=how))

        return self._do(work)

    def destroy(self, root_id: str) -> None:
        """Have the token destroy a root."""

        def work(session: Any) -> None:
            for each in session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: self._called(root_id)}):
                each.destroy()

        self._do(work)

    def _numbers(self, session: Any) -> list[int]:
        keys = session.get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.KEY_TYPE: KeyType.AES})
        labels = [each.label.rpartition("-") for each in list(keys)]
        return [int(number) for label, _, number in labels if label == self._label and number.isascii() and number.isdigit()]

    def _called(self, root_id: str) -> str:
        return f"{self._label}-{root_id.removeprefix(self.prefix)}"

    def _found(self, session: Any, root_id: str) -> Any:
        if not root_id.startswith(self.prefix):
            raise Untrusted("vault.root_gone", "", root_id)
        try:
            return session.get_key(object_class=ObjectClass.SECRET_KEY, label=self._called(root_id))
        except NoSuchKey as error:
            raise Untrusted("vault.root_gone", "", root_id) from error

    def _do(self, work: Callable[[Any], Value]) -> Value:
        """Do one thing in the token; what leaves here is ours: ``Untrusted("vault.wrong_root")`` or ``Refused("vault.keeper_away")``."""
        with self._lock:
            for last in (False, True):
                try:
                    return work(self._open())
                except EncryptedDataInvalid as error:
                    raise Untrusted("vault.wrong_root") from error
                except (PKCS11Error, OSError) as error:
                    self._session = None  # a token that was taken out, or a server that began anew
                    if last:
                        raise Refused("vault.keeper_away", "", f"{type(error).__name__} {error}".strip()) from error
        raise AssertionError

    def _open(self) -> Any:
        if self._session is None:
            token = pkcs11.lib(str(self._module)).get_token(token_label=self._token)
            try:
                self._session = token.open(rw=True, user_pin=self._pin)
            except UserAlreadyLoggedIn:  # PKCS#11 logs a program in, not a session: another folder of ours was first
                self._session = token.open(rw=True)
        return self._session

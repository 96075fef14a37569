"""A machine becomes a kiosk by a claim: its keys are made here, its folder is written once the authority has approved, whatever crashes between.

- Keys are made before anything is asked, and kept with the request in ``claim/``: asking again after a power cut asks for the very same.
- Everything is written into ``claim/`` first, a mark says that it is whole, and then it is moved into place file by file; begun again it goes on where it
  was. What was there of a kiosk before goes to ``before-<claim>/``: nothing is overwritten.
- A machine that was a kiosk before must have an empty outbox, at the beginning and once more before the move.
- Keys are files (0600), or encrypted for this machine, by systemd (``systemd-creds``) or by a secret its TPM keeps (``kiosk_tpm.py``): then the unit hands them to
  the kiosk, and a copied disk has none.

Example: ``Claiming(folder, read_claim(text), machine=serial, tools=tools).step()``
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge_agent.provisioning.asking import Post, ask_by_claim
from edge_agent.replacing import replace_file
from firmware_config.profiles import load_profile
from luutru.keys import KEY_BYTES, KeyFile
from luutru.kiosk_profile_text import KeyStore, held_in, profile_text
from luutru.kiosk_tpm import MACHINE, SEALED, machine_secret, new_machine_secret, seal_key
from residence.clock import Clock
from residence.errors import Conflict, Malformed, Refused
from residence.wire.certificates import check_certificate, make_request, public_half, tls_key_of
from residence.wire.claims import Claim, ClaimAnswer, ClaimAsk, ClaimState, fingerprint
from residence.wire.signing import SigningKey

STORES: Final[tuple[KeyStore, ...]] = ("file", "systemd-creds", "tpm")
_TLS_KEY, _SIGNING_KEY, _REQUEST, _WHOLE = "kiosk.key", "signing.key", "request.json", "whole"


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked by which claim, to ask the same again."""

    claim_id: str
    ask: ClaimAsk


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimTools:
    """What a claim needs from outside."""

    clock: Clock
    random_bytes: Callable[[int], bytes]
    send: Post
    store: KeyStore = "file"


class Claiming:
    """One claim on one machine."""

    def __init__(self, folder: Path, claim: Claim, *, machine: str, tools: ClaimTools) -> None:
        self.claim: Final = claim
        self._folder, self._drafts, self._tools = folder, folder / "claim", tools
        if not (self._drafts / _WHOLE).exists():  # half moved, there may be no kiosk to ask
            check_outbox(folder, clock=tools.clock)
        self._ask = self._kept_ask(machine) or self._make_keys(machine)

    @property
    def fingerprint(self) -> str:
        """Return what the operator compares."""
        return fingerprint(self.claim.claim_id, tls_key=tls_key_of(self._ask.request), signing_key=self._ask.signing_key)

    def step(self) -> ClaimState:
        """Ask once; when the kiosk was approved and its certificate made, put everything in place."""
        if not (self._drafts / _WHOLE).exists():
            answer = ask_by_claim(self.claim, self._ask, send=self._tools.send)
            if answer.state != "issued":
                return answer.state
            check_outbox(self._folder, clock=self._tools.clock)
            self._write(answer)
        self._put_in_place()
        return "issued"

    def _kept_ask(self, machine: str) -> ClaimAsk | None:
        try:
            kept = msgspec.json.decode((self._drafts / _REQUEST).read_bytes(), type=_Asked)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise Malformed("claim.unreadable", "", str(error)) from error
        if kept.claim_id != self.claim.claim_id:
            if (self._drafts / _WHOLE).exists():
                raise Conflict("claim.taken", "", f"{kept.claim_id} is being put in place")
            shutil.rmtree(self._drafts)
            return None
        return msgspec.structs.replace(kept.ask, machine=machine)  # it may have been typed wrongly the first time

    def _make_keys(self, machine: str) -> ClaimAsk:
        self._drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
        tls, seed = ec.generate_private_key(ec.SECP256R1()), self._tools.random_bytes(KEY_BYTES)
        claim = self.claim
        signing = KeyFile(key_id=claim.key_id, use="kiosk-sign", owner=claim.kiosk_id, private=seed)
        pem = tls.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self._keep_secret(_TLS_KEY, pem)
        self._keep_secret(_SIGNING_KEY, msgspec.json.encode(signing))
        request = make_request(tls, name=claim.kiosk_id)
        ask = ClaimAsk(
            claim_id=claim.claim_id,
            machine=machine,
            request=request,
            signing_key=SigningKey(claim.key_id, seed).public_key,
        )
        replace_file(self._drafts / _REQUEST, msgspec.json.encode(_Asked(claim_id=claim.claim_id, ask=ask)), mode=0o600)
        assert public_half(tls) == tls_key_of(request)  # noqa: S101 - what is compared is what is kept
        return ask

    def _keep_secret(self, name: str, content: bytes) -> None:
        if self._tools.store == "file":
            replace_file(self._drafts / name, content, mode=0o600)
            return
        if self._tools.store == "tpm":
            sealed = seal_key(self._machine_secret(), name, content, random_bytes=self._tools.random_bytes)
            replace_file(self._drafts / f"{name}{SEALED}", sealed, mode=0o600)
            return
        replace_file(self._drafts / f"{name}.cred", _systemd_creds(name, content), mode=0o600)

    def _machine_secret(self) -> bytes:
        path = self._drafts / MACHINE
        if path.exists():
            return machine_secret(path.read_bytes())
        secret, held = new_machine_secret(self._tools.random_bytes)
        replace_file(path, held, mode=0o600)
        return secret

    def _write(self, answer: ClaimAnswer) -> None:
        """Write what the authority gave, once it fits the keys made here."""
        if answer.place is None:
            raise Malformed("claim.unreadable", "/place")
        check_certificate(
            answer.certificate, name=self.claim.kiosk_id, authority=answer.authority, tls_key=tls_key_of(self._ask.request)
        )
        files = {
            "ca.pem": answer.authority.encode("ascii"),
            "kiosk.pem": answer.certificate.encode("ascii"),
            "keyring.json": answer.keyring,
            "kiosk.toml": profile_text(self.claim, answer, store=self._tools.store).encode(),
        }
        if self._tools.store != "file":
            files["credentials.conf"] = "\n".join(("[Service]", *self._handing_over(), "")).encode()
        for name, content in files.items():
            replace_file(self._drafts / name, content)
        load_profile(self._drafts / "kiosk.toml")  # a profile that would not start is found out before anything is moved
        replace_file(self._drafts / _WHOLE, b"")

    def _handing_over(self) -> list[str]:
        """Return the lines by which the unit gives the kiosk its keys."""
        folder = self._folder.absolute()
        if self._tools.store == "systemd-creds":
            return [f"LoadCredentialEncrypted={name}:{folder}/{name}.cred" for name in (_TLS_KEY, _SIGNING_KEY)]
        into = held_in(self.claim.kiosk_id, "tpm")
        # "+": as root, who may ask the TPM; the files are given to the unit's own user, whose folder it is.
        opening = f"ExecStartPre=+/usr/bin/luutru kiosk open-keys {folder} --into {into}"
        return ["DeviceAllow=/dev/tpmrm0 rw", f"RuntimeDirectory={Path(into).name}", "RuntimeDirectoryMode=0700", opening]

    def _put_in_place(self) -> None:
        before = self._folder / f"before-{self.claim.claim_id}"
        for path in sorted(self._folder.glob("outbox.db*")):
            before.mkdir(mode=0o700, exist_ok=True)
            path.replace(before / path.name)
        for path in sorted(self._drafts.iterdir()):
            if path.name in {_REQUEST, _WHOLE}:
                continue
            place = self._folder / path.name
            if place.exists():
                before.mkdir(mode=0o700, exist_ok=True)
                place.replace(before / path.name)
            path.replace(place)
        done = self._folder / f".claimed-{self.claim.claim_id}"  # in one step: half removed it would look like a claim begun
        self._drafts.replace(done)
        shutil.rmtree(done)


def check_outbox(folder: Path, *, clock: Clock) -> None:
    """See that a kiosk of before has ended and nothing waits in its outbox; ``Refused("claim.kiosk_runs" | "claim.outbox_not_empty")``.

    One that runs would go on keeping declarations in a file that is no longer there.
    """
    from edge_agent.store import is_held
    from luutru.processes.kiosk import open_outbox

    path = folder / "kiosk.toml"
    if not path.exists():
        return
    profile = load_profile(path)
    store = profile.path(profile.store.path)
    if store.exists() and is_held(store):
        raise Refused("claim.kiosk_runs", "", str(store))
    outbox = open_outbox(profile, clock=clock)
    try:
        waiting = outbox.depth()
    finally:
        outbox.close()
    if waiting:
        raise Refused("claim.outbox_not_empty", "", f"{waiting} wait")


def _systemd_creds(name: str, content: bytes) -> bytes:
    try:
        done = subprocess.run(
            ["systemd-creds", "encrypt", f"--name={name}", "-", "-"], input=content, check=False, capture_output=True
        )
    except OSError as error:
        raise Refused("key.store_unusable", "", str(error)) from error
    if done.returncode != 0:
        raise Refused("key.store_unusable", "", done.stderr.decode(errors="replace").strip()[-300:])
    return done.stdout

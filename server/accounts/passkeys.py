"""Passkeys: registering one for a signed-in account, and signing in with one, by the ``webauthn`` library.

- Keys are discoverable and need user verification: the key alone names the account, nothing is typed.
- Relying party and origin come from the settings, never from the request.
- Anything the library refuses is one code, ``server.passkey_failed``: a guesser learns nothing.
"""

from __future__ import annotations

import json
from typing import Any, Final, cast

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from registry import accounts
from registry.accounts import Passkey
from registry.sessions import Beginning, Session
from registry.stay_codes import close_code
from residence.errors import Untrusted
from server.accounts.challenges import is_spent, make_challenge, open_challenge
from server.accounts.sign_in import begin_again, begin_session, note
from server.policy import Account
from server.visitor import Visitor
from server.wiring import Server

LONGEST_LABEL: Final = 40


def registration_options(server: Server, caller: Visitor, account: Account) -> dict[str, Any]:
    """Return what the browser needs to make a passkey."""
    with server.registry.reading() as connection:
        known = accounts.passkeys_of(connection, account.account_id)
    options = webauthn.generate_registration_options(
        rp_id=server.settings.relying_party,
        rp_name=server.settings.relying_party_name,
        user_id=account.account_id.encode(),
        user_name=account.name,
        challenge=make_challenge(server, "register", caller.token),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.credential_id)) for each in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return cast("dict[str, Any]", json.loads(options_to_json(options)))


def register(server: Server, caller: Visitor, *, account: Account, answer: dict[str, Any], label: str) -> None:
    """Keep the passkey the browser made, or raise ``Untrusted("server.passkey_failed")``."""
    challenge = _challenge_in(answer)
    open_challenge(server, challenge, purpose="register", cookie=caller.token)
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=server.settings.relying_party,
            expected_origin=server.settings.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise Untrusted("server.passkey_failed", detail="not verified") from error
    passkey = Passkey(
        credential_id=bytes_to_base64url(made.credential_id),
        account_id=account.account_id,
        commune_code=account.commune_code,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        label=label.strip()[:LONGEST_LABEL],
        created_at=server.clock.now(),
    )
    with server.registry.writing() as connection:
        accounts.add_passkey(connection, passkey)
        if account.stay:
            close_code(connection, account.account_id, now=server.clock.now())
        note(server, connection, "passkey-added", account=accounts.passkey_account(connection, passkey))


def sign_in_options(server: Server, caller: Visitor) -> dict[str, Any]:
    """Return what the browser needs to use a passkey."""
    options = webauthn.generate_authentication_options(
        rp_id=server.settings.relying_party,
        challenge=make_challenge(server, "sign-in", caller.token),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return cast("dict[str, Any]", json.loads(options_to_json(options)))


def sign_in(server: Server, caller: Visitor, *, answer: dict[str, Any], device: str, standing: Session | None = None) -> str:
    """Verify the browser's answer and return the new session's token, or raise ``Untrusted("server.passkey_failed")``.

    ``standing``: the session of the same account that is proved again by this.
    """
    challenge = _challenge_in(answer)
    issued = open_challenge(server, challenge, purpose="sign-in", cookie=caller.token)
    with server.registry.writing() as connection:
        passkey = accounts.find_passkey(connection, str(answer.get("id", "")))
        if passkey is None or is_spent(issued, passkey.last_used_at):
            raise Untrusted("server.passkey_failed", detail="unknown or spent")
        count = _verified_count(server, answer, challenge=challenge, passkey=passkey)
        accounts.use_passkey(connection, passkey, sign_count=count, now=server.clock.now())
        account, beginning = accounts.passkey_account(connection, passkey), Beginning(method="passkey", device=device)
        if standing is not None:
            return begin_again(server, connection, account, beginning=beginning, standing=standing)
        return begin_session(server, connection, account, beginning=beginning)


def _verified_count(server: Server, answer: dict[str, Any], *, challenge: bytes, passkey: Passkey) -> int:
    try:
        verified = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=server.settings.relying_party,
            expected_origin=server.settings.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise Untrusted("server.passkey_failed", detail="not verified") from error
    return verified.new_sign_count


def _challenge_in(answer: dict[str, Any]) -> bytes:
    """Return the challenge the browser says it signed; whether it did is for the library to verify."""
    try:
        client_data = json.loads(base64url_to_bytes(answer["response"]["clientDataJSON"]))
        return base64url_to_bytes(client_data["challenge"])
    except (ValueError, KeyError, TypeError) as error:
        raise Untrusted("server.passkey_failed", detail="unreadable") from error

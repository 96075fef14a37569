"""Who may sign in: accounts with area scope, sessions, passkeys, one-time set-up links, and the audit of sign-in.

- ``sign_in_name`` is a handle, not a name; a name is sealed under the account's own key.
- Tokens are stored as SHA-256 hashes only; a stolen database signs nobody in.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, Table, UniqueConstraint

from registry.columns import (
    blind_index,
    commune,
    document,
    found_by,
    index_where_set,
    instant,
    metadata,
    octets,
    own_id,
    reference,
    sealed,
    text,
    word,
)

# role: clerk | resident | officer | operator; areas: premises ids for a clerk, [] = the whole commune for an officer
accounts: Final = Table(
    "accounts",
    metadata,
    commune(),
    own_id("account_id"),
    word("sign_in_name"),
    sealed("display_name"),
    word("role", length=16),
    document("areas"),
    document("reads_only", nullable=True),  # those of a clerk's premises where they look and declare nothing
    reference("person_id", nullable=True),
    reference("stay_id", nullable=True),  # the one stay it is for, of a resident with a code from a slip
    instant("created_at"),
    instant("disabled_at", nullable=True),
    UniqueConstraint("commune_code", "sign_in_name"),
    Index("ix_accounts_sign_in_name", "sign_in_name"),
    index_where_set("accounts", "person_id"),
)


def _account_key() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["commune_code", "account_id"], ["accounts.commune_code", "accounts.account_id"])


sessions: Final = Table(
    "sessions",
    metadata,
    commune(),
    own_id("session_hash"),  # hex SHA-256 of the cookie's token
    reference("account_id", index=True),
    word("csrf_token", length=64),
    word("method", length=16),  # registry.sessions.Beginning
    word("device", nullable=True),
    word("provider", nullable=True, length=32),
    reference("provider_session", nullable=True),  # a hash
    document("data", nullable=True),
    instant("created_at"),
    instant("last_seen_at"),
    instant("expires_at", index=True),
    instant("ended_at", nullable=True),
    instant("proved_at", nullable=True),
    instant("locked_at", nullable=True),
    _account_key(),
    Index("ix_sessions_session_hash", "session_hash"),
    index_where_set("sessions", "provider_session"),
)

passkeys: Final = Table(
    "passkeys",
    metadata,
    commune(),
    own_id("credential_id", 400),  # base64url
    reference("account_id", index=True),
    octets("public_key"),
    Column("sign_count", Integer, nullable=False),
    document("transports"),
    word("label", nullable=True),
    instant("created_at"),
    instant("last_used_at", nullable=True),
    _account_key(),
    Index("ix_passkeys_credential_id", "credential_id"),
)

setup_links: Final = Table(
    "setup_links",
    metadata,
    commune(),
    own_id("link_hash"),  # hex SHA-256 of the link's token
    reference("account_id", index=True),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", nullable=True),
    _account_key(),
    Index("ix_setup_links_link_hash", "link_hash"),
)

# event: signed-in | refused | signed-out | link-used | passkey-added | ...
sign_in_audit: Final = Table(
    "sign_in_audit",
    metadata,
    commune(),
    own_id("event_id"),
    reference("account_id", nullable=True),
    word("event", length=32),
    text("code"),
    blind_index("address", nullable=True),
    instant("at"),
    Index("ix_sign_in_audit_account_id_at", "account_id", "at"),
    found_by("event_id"),
    Index("ix_sign_in_audit_at", "at"),
)

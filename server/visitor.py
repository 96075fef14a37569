"""Who is asking: the session behind the cookie, the language, and the token that proves a form came from our own page.

- The cookie holds 32 random bytes; the registry knows only their SHA-256, so a stolen table signs nobody in.
- Nobody's form is trusted without ``csrf``: HMAC-SHA256 of the cookie's value, so it needs no storage and dies with the session.
  Visitors without an account get a cookie of their own before they meet a form.
- A request that a browser marks as cross-site is refused before its token is looked at.
- A form arrives whole and small. One page takes a file (``uploads.py``), and from a signed-in account only.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Annotated, Final, cast
from urllib.parse import parse_qsl

import msgspec
from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from registry import accounts, sessions
from residence.errors import Malformed, Refused, Untrusted
from server.languages import COOKIE, Language, OfWork, language_of_work, preferred_language
from server.policy import Account, Resource, Role
from server.uploads import takes_file, uploaded
from server.wiring import Server, server_of

UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Visitor(msgspec.Struct, kw_only=True):
    """One request's caller. ``token`` is the cookie's value; ``fresh`` says that the answer must set it.

    ``language`` is what a page for work speaks to them, ``wish`` what their own pages do.
    """

    token: str
    language: OfWork
    wish: Language = "en"
    account: Account | None = None
    fresh: bool = False
    session: sessions.Session | None = None
    locked: Account | None = None  # whose session this is, once it is proved anew

    @property
    def csrf(self) -> str:
        """Return the token every form of this visitor carries."""
        return hmac.digest(self.token.encode(), b"luutru csrf", "sha256").hex()


def cookie_name(server: Server) -> str:
    """Return the session cookie's name; the ``__Host-`` prefix binds it to this host over https."""
    return "__Host-luutru" if server.settings.secure else "luutru"


def new_token(server: Server) -> str:
    """Return 32 random bytes as base64url text."""
    return urlsafe_b64encode(server.random_bytes(32)).decode().rstrip("=")


def visitor(request: Request, server: Annotated[Server, Depends(server_of)]) -> Visitor:
    """Find out who is asking; every page depends on this."""
    known: Visitor | None = getattr(request.state, "visitor", None)
    if known is not None:
        return known
    token = request.cookies.get(cookie_name(server), "")
    wish = preferred_language(cookie=request.cookies.get(COOKIE), accept=request.headers.get("accept-language", ""))
    account, session = live_session(server, token) if token else (None, None)
    locked = session is not None and session.locked
    found = Visitor(
        token=token or new_token(server),
        language=language_of_work(wish),
        wish=wish,
        account=None if locked else account,
        fresh=not token,
        session=session,
        locked=account if locked else None,
    )
    request.state.visitor = found
    return found


def live_session(server: Server, token: str) -> tuple[Account, sessions.Session] | tuple[None, None]:
    """Return a live session, locked or not, and whose it is, and keep it alive unless it is locked."""
    now = server.clock.now()
    with server.registry.reading() as connection:
        found = sessions.session_of(connection, token, now=now, idle=server.settings.session_idle)
    if found is None:
        return None, None
    known, session = found
    if not session.locked and now - session.last_seen_at >= sessions.KEEP_ALIVE:
        with server.registry.writing() as connection:
            sessions.keep_alive(connection, token, now=now)
    return account_of(known), session


def signed_in_account(server: Server, token: str) -> Account | None:
    """Return the account of a live session that is not locked, or ``None``."""
    account, session = live_session(server, token)
    return None if session is None or session.locked else account


def account_of(known: accounts.KnownAccount) -> Account:
    """Return the account as the policy sees it."""
    return Account(
        account_id=known.account_id,
        name=known.sign_in_name,
        role=cast("Role", known.role),
        commune_code=known.commune_code,
        premises=known.areas,
        reads_only=known.reads_only,
        stay=known.stay_id or "",
    )


def own_language(caller: Visitor) -> Language:
    """Return what this caller's own pages speak."""
    return caller.language if is_at_work(caller) else caller.wish


def is_at_work(caller: Visitor) -> bool:
    """Tell whether somebody is signed in, or locked, who is here to work and not for themselves."""
    account = caller.account or caller.locked
    return account is not None and account.role != "resident"


Caller = Annotated[Visitor, Depends(visitor)]


def signed_in(caller: Caller) -> Account:
    """Return the account, or raise ``Untrusted("server.sign_in_needed")``."""
    if caller.account is None:
        raise Untrusted("server.sign_in_needed")
    return caller.account


SignedIn = Annotated[Account, Depends(signed_in)]


def freshly_signed_in(account: SignedIn, caller: Caller, server: Annotated[Server, Depends(server_of)]) -> Account:
    """Return the account if its holder proved it lately, or raise ``Untrusted("server.prove_again")``.

    For what must not be done by whoever sits down at an open page.
    """
    session = caller.session
    if (
        session is None
        or session.method == sessions.BEARER
        or server.clock.now() - session.proved_at > server.settings.proof_lasts
    ):
        raise Untrusted("server.prove_again")
    return account


FreshlySignedIn = Annotated[Account, Depends(freshly_signed_in)]


async def guard(request: Request, server: Annotated[Server, Depends(server_of)]) -> None:
    """Refuse an unsafe request that does not come from one of our own pages. Every page router depends on this."""
    if request.method not in UNSAFE:
        return
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise Refused("server.csrf")
    origin = request.headers.get("origin")
    if origin is not None and origin != server.settings.origin:
        raise Refused("server.csrf")
    caller = await run_in_threadpool(visitor, request, server)
    form: Mapping[str, str]
    if takes_file(request):
        if caller.account is None:
            raise Untrusted("server.sign_in_needed")
        form = (await uploaded(request, server)).fields
    else:
        form = await submitted_form(request, server)
    given = request.headers.get("x-csrf-token") or form.get("csrf", "")
    if caller.fresh or not hmac.compare_digest(given.encode(), caller.csrf.encode()):
        raise Refused("server.csrf")


async def submitted_form(request: Request, server: Annotated[Server, Depends(server_of)]) -> Mapping[str, str]:
    """Return the fields of a url-encoded form as text; empty for other bodies. Raises when it is too large or not UTF-8."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    if int(request.headers.get("content-length") or 0) > server.settings.largest_form:
        raise Malformed("server.form_too_large")
    body = await request.body()
    if len(body) > server.settings.largest_form:
        raise Malformed("server.form_too_large")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise Malformed("server.form_unreadable") from error
    return dict(pairs)


Form = Annotated[Mapping[str, str], Depends(submitted_form)]


def keep_cookie(server: Server, response: Response, token: str) -> None:
    """Set the session cookie. Lax, so that a link in a message still opens a signed-in page; forms carry ``csrf``."""
    response.set_cookie(cookie_name(server), token, httponly=True, secure=server.settings.secure, samesite="lax", path="/")


def may(server: Server, account: Account | None, action: str, resource: Resource) -> bool:
    """Tell whether to show a link; the handler behind it asks again."""
    return account is not None and server.policy.allows(account, action, resource=resource)

"""The headers of every answer: a strict content policy, no framing, no sniffing, no caching of anything personal.

- Scripts come from this server, or carry the nonce of this one answer; there is no ``unsafe-inline`` and no foreign host.
- The camera may be asked for only where a page reads cards (``request.state.camera``); its pictures stay in the browser.
- WebAssembly may be compiled only where a page asks for it (``request.state.wasm``): the page that reads a card's photo.
- No request may be larger than ``largest_body``, however it is sent, but those of ``larger_bodies``: the page that takes a file, by its path, and
  programs, by the beginning of theirs (``/api/``).
- A fault inside the application is answered here, with the same headers, and logged without its message (it may hold a name).
- Everything but files for everybody is ``no-store``: a shared front-desk computer must not show the last guest to the next one.

>>> "unsafe-inline" in content_policy("n", wasm=False)
False
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from residence.errors import Malformed

log: Final = structlog.get_logger()
PUBLIC: Final = ("/static/", "/transparency/")  # files for everybody; the page that shows them is somebody's
TOGETHER: Final = "/static/desk"  # scripts that work together: of two versions they would keep nothing, so each use asks
FIXED: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with no-referrer a browser writes "Origin: null" on our own forms
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def content_policy(nonce: str, *, wasm: bool) -> str:
    """Return the Content-Security-Policy of one answer."""
    scripts = f"'self' 'nonce-{nonce}'" + (" 'wasm-unsafe-eval'" if wasm else "")
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )


def permissions(*, camera: bool) -> str:
    """Return the Permissions-Policy of one answer."""
    return f"camera=({'self' if camera else ''}), microphone=(), geolocation=(), publickey-credentials-get=(self)"


class SecurityHeaders:
    """ASGI middleware: makes the nonce before the page is rendered and writes the headers as it leaves."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        random_bytes: Callable[[int], bytes],
        secure: bool,
        largest_body: int,
        larger_bodies: Mapping[str, int] = MappingProxyType({}),
        on_fault: Callable[[Request, Exception], Response],
    ) -> None:
        self._app: Final = app
        self._on_fault: Final = on_fault
        self._random_bytes: Final = random_bytes
        self._secure: Final = secure
        self._largest_body: Final = largest_body
        self._larger_bodies: Final = larger_bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a nonce in its state."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["nonce"] = urlsafe_b64encode(self._random_bytes(18)).decode()

        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self._write(MutableHeaders(scope=message), scope["path"], state)
            await send(message)

        try:
            await self._app(scope, self._limited(receive, scope["path"]), with_headers)
        except Exception as error:
            log.error("unhandled", path=scope["path"], kind=type(error).__name__)  # noqa: TRY400  # a traceback may hold a name
            if begun:
                raise
            response = await run_in_threadpool(self._on_fault, Request(scope), error)
            await response(scope, receive, with_headers)

    def _limited(self, receive: Receive, path: str) -> Receive:
        taken, most = 0, next((most for known, most in self._larger_bodies.items() if _is_at(path, known)), self._largest_body)

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise Malformed("server.form_too_large")
            return message

        return limited

    def _write(self, headers: MutableHeaders, path: str, state: dict[str, object]) -> None:
        for name, value in FIXED.items():
            headers[name] = value
        headers["content-security-policy"] = content_policy(str(state["nonce"]), wasm=bool(state.get("wasm")))
        headers["permissions-policy"] = permissions(camera=bool(state.get("camera")))
        headers["cache-control"] = _kept(path)
        if self._secure:
            headers["strict-transport-security"] = "max-age=31536000"


def _kept(path: str) -> str:
    if not path.startswith(PUBLIC):
        return "no-store"
    return "public, no-cache" if path.startswith(TOGETHER) else "public, max-age=3600"


def _is_at(path: str, known: str) -> bool:
    """Tell whether a limit for ``known`` holds here: a path of its own, or with a slash at its end all below it."""
    return path.startswith(known) if known.endswith("/") else path == known

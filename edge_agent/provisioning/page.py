"""What a machine shows while it is being claimed: its serial number, a field for the code, then the fingerprint, large. For an installer, not for guests.

- Loopback only and without scripts, at the address the kiosk's page has later, so that the machine's own browser shows it; it looks again by itself.
- Vietnamese first, English beside it. The code is taken from a keyboard or from a scanner that types, and is not shown again.

Example: ``uvicorn.run(create_claim_page(machine=serial, shown=lambda: state, take=claim), host="127.0.0.1", port=8800)``
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Final, Literal
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from edge_agent.kiosk.bodies import taken_whole
from edge_agent.kiosk.guarding import is_loopback

LARGEST: Final = 4096
HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}
ClaimStep = Literal["code", "compare", "approved", "issued"]
_STYLE: Final = (
    "body{font:clamp(1rem,2.4vw,1.5rem)/1.5 system-ui,sans-serif;margin:0;color:#0b0c0c;background:#fff}"
    "main{max-width:52rem;margin:0 auto;padding:6vh 1.5rem}h1{font-size:1.6em;line-height:1.2;margin:0 0 .5em}"
    "p{margin:0 0 1em}.en{color:#505a5f}.big{font:700 clamp(1.2rem,7.2vw,3.9rem)/1.2 ui-monospace,monospace;margin:.4em 0}"
    ".code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}label{display:block;font-weight:700;margin-bottom:.3em}"
    "input{font:inherit;width:100%;box-sizing:border-box;padding:.5em;border:2px solid #0b0c0c}"
    "button{font:inherit;font-weight:700;margin-top:1em;padding:.6em 1.4em;border:0;color:#fff;background:#00703c}"
    "input:focus,button:focus{outline:3px solid #fd0;outline-offset:2px}.wrong{border-left:6px solid #d4351c;padding-left:.8em}"
)
_WORDS: Final[dict[ClaimStep, tuple[str, str]]] = {
    "code": ("Máy này chưa là kiosk", "This machine is no kiosk yet"),
    "compare": ("Đối chiếu dấu vân tay khóa với trang của người vận hành", "Compare this fingerprint with the operator's page"),
    "approved": ("Đã duyệt, đang chờ chứng thư", "Approved; the certificate is being made"),
    "issued": ("Xong. Hãy khởi động kiosk", "Done. Start the kiosk"),
}


class ClaimShown(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown now. ``trouble``: a sentence in Vietnamese and one in English."""

    step: ClaimStep
    kiosk_id: str = ""
    fingerprint: str = ""
    trouble: tuple[str, str] | None = None


def create_claim_page(*, machine: str, shown: Callable[[], ClaimShown], take: Callable[[str], None]) -> Starlette:
    """Return the page. ``take`` is handed the code as it was typed and raises nothing."""

    def show(_request: Request) -> Response:
        return HTMLResponse(_page(machine, shown()), headers=_headers())

    async def enter(request: Request) -> Response:
        taken = await taken_whole(request.scope, request.receive, most=LARGEST)
        origin = request.headers.get("origin")
        if taken is None or (origin is not None and origin != f"{request.url.scheme}://{request.url.netloc}"):
            return PlainTextResponse("", status_code=403)
        body = (await taken())["body"]
        take(dict(parse_qsl(body.decode("ascii", "replace"))).get("code", ""))
        return RedirectResponse("/", status_code=303)

    async def only_here(request: Request) -> Response:
        host = request.url.hostname or ""
        if not is_loopback(host):
            return PlainTextResponse("", status_code=403)
        return await enter(request) if request.method == "POST" else show(request)

    return Starlette(routes=[Route("/", only_here, methods=["GET", "POST"])])


def _headers() -> dict[str, str]:
    import base64
    import hashlib

    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return {name: value.replace("{style}", style) for name, value in HEADERS.items()}


def _page(machine: str, shown: ClaimShown) -> str:
    vietnamese, english = _WORDS[shown.step]
    again = "" if shown.step == "code" else '<meta http-equiv="refresh" content="2">'
    parts = [f"<h1>{vietnamese}<br><span class=en lang=en>{english}</span></h1>"]
    if shown.trouble:
        parts.append(f"<p class=wrong>{escape(shown.trouble[0])}<br><span class=en lang=en>{escape(shown.trouble[1])}</span></p>")
    if shown.fingerprint:
        parts.append(f"<p class=big>{escape(shown.fingerprint)}</p><p class=code>{escape(shown.kiosk_id)}</p>")
    if shown.step == "code":
        parts.append(_FORM)
    parts.append(f"<p>Số sê-ri <span class=en lang=en>/ Serial number</span><br><span class=code>{escape(machine)}</span></p>")
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'>{again}<title>{english}</title>"
    return f"<!doctype html><html lang=vi><head>{head}<style>{_STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>"


_FORM: Final = (
    "<form method=post action=/><label for=code>Quét hoặc gõ mã cấp máy <span class=en lang=en>/ Scan or type the code</span></label>"
    "<input id=code name=code type=password autocomplete=off spellcheck=false maxlength=400 autofocus required>"
    "<button>Tiếp tục / Go on</button></form>"
)

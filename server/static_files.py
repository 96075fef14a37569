"""Serves our own style sheet and scripts and the copied npm files; takes the GDS Transport font out on the way.

- GOV.UK Frontend is MIT, its font is licensed for GOV.UK alone: the ``@font-face`` rules are removed and the family replaced by a
  system stack whose members have Vietnamese letters.
- What lies here is the same for everybody and travels compressed; a page is not, for it holds a form's token beside what somebody typed.
- A missing vendor file is a set-up fault, named at start with the command that mends it; pages still work without scripts.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fastapi import Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

FONT_STACK: Final = '"Be Vietnam Pro","Segoe UI",Roboto,"Noto Sans","Helvetica Neue",Arial,sans-serif'
VENDOR: Final = (
    "govuk-frontend/govuk-frontend.min.css",
    "govuk-frontend/govuk-frontend.min.js",
    "htmx/htmx.min.js",
    "zxing-wasm/reader.js",
    "zxing-wasm/zxing_reader.wasm",
    "simplewebauthn/index.umd.min.js",
    "noble-ed25519/index.js",
)


def without_licensed_font(style_sheet: str) -> str:
    """Return the style sheet with GDS Transport replaced by ``FONT_STACK`` and without its font files.

    >>> without_licensed_font("a{font-family:GDS Transport,arial,sans-serif}")[:34]
    'a{font-family:"Be Vietnam Pro","Se'
    """
    without_faces = re.sub(r"@font-face\{[^}]*GDS Transport[^}]*\}", "", style_sheet)
    without_crest = re.sub(r"url\([^)]*/assets/[^)]*\)", "none", without_faces)
    without_map = re.sub(r"/\*# sourceMappingURL=.*?\*/", "", without_crest)
    return re.sub(r"GDS Transport,arial,sans-serif", FONT_STACK, without_map)


def missing_vendor_files(static: Path) -> list[str]:
    """Return the npm files that ``scripts/assets`` has not copied yet."""
    return [name for name in VENDOR if not (static / "vendor" / name).is_file()]


def style_sheet_route(static: Path) -> Callable[[Request], Response]:
    """Return the handler of ``/static/style.css``: GOV.UK Frontend without its font, then our own rules."""
    vendor = static / "vendor" / "govuk-frontend" / "govuk-frontend.min.css"
    theirs = without_licensed_font(vendor.read_text("utf-8")) if vendor.is_file() else ""
    content = (theirs + (static / "luutru.css").read_text("utf-8")).encode()
    small = gzip.compress(content, mtime=0)

    def style_sheet(request: Request) -> Response:
        headers = {"vary": "accept-encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(content, media_type="text/css", headers=headers)
        return Response(small, media_type="text/css", headers=headers | {"content-encoding": "gzip"})

    return style_sheet


def static_files(static: Path) -> ASGIApp:
    """Return what answers everything else under ``/static``, compressed where the browser takes that."""
    return GZipMiddleware(StaticFiles(directory=static), minimum_size=1024, compresslevel=6)

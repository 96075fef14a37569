"""The logs for everybody: files as they lie in the folder the logs' process writes, of looks under ``/log``, of statements under ``/log/statements``.

- Only what C2SP tlog-tiles names is given, by the shape of its path: checkpoint, tiles, bundles, and the keys beside them.
- No sign-in and no counting: whoever checks the log is nobody's business. Nothing in it names anybody.
- Without a folder there is no log here, and every path is unknown.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from registry.log_files import STATEMENTS, LogFiles
from residence.errors import Malformed
from server.wiring import Server, server_of

router = APIRouter(prefix="/log")
Wired = Annotated[Server, Depends(server_of)]
_TILE: Final = re.compile(r"tile/(?:[0-9]{1,2}|entries)/(?:x[0-9]{3}/){0,6}[0-9]{3}(?:\.p/[0-9]{1,3})?")
_TEXTS: Final = frozenset({"checkpoint", "key", "witnesses"})


@router.get("/{name:path}")
def show(name: str, server: Wired) -> Response:
    """Give one file of the log."""
    folder, own = server.settings.log, name.removeprefix(f"{STATEMENTS}/")
    if folder is None or not (own in _TEXTS or _TILE.fullmatch(own)):
        return Response(status_code=404)
    try:
        content = LogFiles(folder if own == name else folder / STATEMENTS).fetch(own)
    except Malformed:
        return Response(status_code=404)
    kind = "text/plain; charset=utf-8" if own in _TEXTS else "application/octet-stream"
    return Response(content, media_type=kind)

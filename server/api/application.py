"""Puts the API under ``/api``: its routes, its document at ``/api/openapi.json``, its errors as problem documents.

- Beside it, under ``/tracker``, stands what another country's contract asks for (``server/api/usage.py``).
- ``/api/providers/<name>/ended`` is OpenID Connect's own contract (``provider_endings``) and no part of our document.
"""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from starlette.responses import Response

from server.api import (
    batches,
    closes,
    code_lists,
    declarations,
    events,
    look_ups,
    looks,
    pms_events,
    provider_endings,
    reconciliation,
    stays,
    tokens,
    usage,
    webhooks,
)
from server.api.answers import answer
from server.api.document import document

router = APIRouter(prefix="/api", include_in_schema=False)


@router.get("/openapi.json")
def get_document() -> Response:
    """Answer with the OpenAPI document."""
    return answer(document())


PARTS = (
    tokens,
    declarations,
    batches,
    pms_events,
    stays,
    reconciliation,
    closes,
    events,
    webhooks,
    code_lists,
    look_ups,
    looks,
)
for part in (*PARTS, provider_endings):
    router.include_router(part.router)


def install(app: FastAPI) -> None:
    """Add the API to the application."""
    app.include_router(router)
    app.include_router(usage.router)

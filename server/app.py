"""The web process as a whole: which routers there are, what they stand on, and nothing about what they do.

- Everything is injected: registry (with its vault), rule book, receipt signer, clock, randomness, settings.
- Pages are grouped by audience; each group's router refuses unsafe requests that do not come from our own pages (``guard``).
- What machines ask for themselves (``server/fleet``) is proven by what they send; no cookie counts there.
- The API has no pages and no cookies of its own; it takes a bearer token, or a session with the CSRF header.

Example: ``create_app(registry=..., rules=load_rule_book(), signer=..., clock=SystemClock(), random_bytes=..., settings=ServerSettings())``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache

from fastapi import Depends, FastAPI
from starlette.routing import BaseRoute

from registry.database import Registry
from residence.cases.offices import Office
from residence.cases.queues import Queue
from residence.cases.triage import CaseTimes
from residence.clock import Clock
from residence.credentials.card_qr import DEFAULT_POLICY, CardPolicy
from residence.credentials.chip.trust_store import TrustStore
from residence.stays.rules import RuleBook
from residence.wire.signing import SigningKey
from residence.wire.webhook_reach import Reach
from server import problems, uploads
from server.accounts.issuers import Issuer
from server.accounts.provider_line import ProviderLine
from server.api import application as api
from server.fleet import machine_routes
from server.headers import SecurityHeaders
from server.limits import AttemptCounter
from server.page_list import PAGES
from server.paper_signature import PaperKey
from server.police.office_file import default_offices
from server.police.queue_file import default_queues
from server.policy import load_policy
from server.settings import ServerSettings
from server.static_files import static_files, style_sheet_route
from server.visitor import guard
from server.wiring import Server


def create_app(  # noqa: PLR0913 - everything a process needs, once
    *,
    registry: Registry,
    rules: RuleBook,
    signer: SigningKey,
    clock: Clock,
    random_bytes: Callable[[int], bytes],
    settings: ServerSettings,
    card_policy: CardPolicy = DEFAULT_POLICY,
    case_times: CaseTimes = CaseTimes(),  # noqa: B008 - frozen value
    webhook_reach: Reach = Reach(),  # noqa: B008 - frozen value
    chip_trust: Callable[[datetime], TrustStore] = lambda _now: TrustStore(),
    door_signer: SigningKey | None = None,
    paper_key: PaperKey | None = None,
    queues: tuple[Queue, ...] | None = None,
    offices: tuple[Office, ...] | None = None,
    issuers: tuple[Issuer, ...] = (),
) -> FastAPI:
    """Return the ASGI application of one web process."""
    app = FastAPI(title="Luutru", openapi_url=None, docs_url=None, redoc_url=None, routes=[*_routes()])
    app.state.server = Server(
        registry=registry,
        rules=rules,
        signer=signer,
        clock=clock,
        random_bytes=random_bytes,
        settings=settings,
        card_policy=card_policy,
        case_times=case_times,
        queues=queues or default_queues(),
        offices=offices or default_offices(),
        policy=load_policy(),
        chip_trust=chip_trust,
        door_signer=door_signer,
        paper_key=paper_key,
        webhook_reach=webhook_reach,
        providers={each.name: ProviderLine(each, now=clock.now) for each in issuers},
        sign_in_attempts=AttemptCounter(settings.sign_in_allowance, now=clock.now),
        receipt_attempts=AttemptCounter(settings.receipt_allowance, now=clock.now),
        person_attempts=AttemptCounter(settings.person_allowance, now=clock.now),
        token_attempts=AttemptCounter(settings.token_allowance, now=clock.now),
        kiosk_attempts=AttemptCounter(settings.kiosk_allowance, now=clock.now),
        api_attempts=AttemptCounter(settings.api_allowance, now=clock.now, code="api.too_many_requests"),
    )
    _serve_files(app, settings)
    problems.install(app)
    _guard_all(app, settings, random_bytes)
    return app


@cache
def _routes() -> tuple[BaseRoute, ...]:
    """Return what every application of this process has in common: routes know no state, and take long to prepare."""
    parts = FastAPI(openapi_url=None)
    for pages in PAGES:
        parts.include_router(pages.router, dependencies=[Depends(guard)], include_in_schema=False)
    parts.include_router(machine_routes.router, include_in_schema=False)
    api.install(parts)
    return tuple(parts.routes)


def _guard_all(app: FastAPI, settings: ServerSettings, random_bytes: Callable[[int], bytes]) -> None:
    app.add_middleware(
        SecurityHeaders,
        random_bytes=random_bytes,
        secure=settings.secure,
        largest_body=settings.largest_form,
        larger_bodies={"/api/": settings.largest_batch} | dict.fromkeys(uploads.PATHS, settings.largest_upload),
        on_fault=problems.fault_answer,
    )


def _serve_files(app: FastAPI, settings: ServerSettings) -> None:
    app.add_api_route("/static/style.css", style_sheet_route(settings.static), include_in_schema=False)
    app.mount("/static", static_files(settings.static), name="static")

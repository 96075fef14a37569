"""The OpenAPI 3.1 document of the API, built from the table of operations and the structs the handlers use.

- Schemas come from the msgspec structs, so the document cannot drift from what is read and written.
- Every error is ``application/problem+json`` with an example of each code, made by the function that answers it in life.
- ``docs/openapi.json`` is this document, committed; a test compares them.

Example: ``document()["paths"]["/v1/declarations"]["post"]["responses"]["201"]``
"""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any, Final

import msgspec

from residence.errors import Refused
from residence.errors.guide import Entry
from residence.stays.declaration import StayDeclaration
from residence.wire.stay_events import WebhookBody
from server.api.answers import CheckAnswer, KioskAnswer, ProblemDocument, PublicReceipt, ReceiptAnswer
from server.api.batches import BatchAnswer, BatchItem
from server.api.closes import ClosesAnswer, SignOff, SignOffAnswer
from server.api.code_lists import CodeList, CodeListName
from server.api.events import EventsAnswer
from server.api.examples import BODIES, LINKS
from server.api.looks import LooksAnswer
from server.api.operations import OPERATIONS, Operation
from server.api.pms_events import PmsEvent
from server.api.reconciliation import House, ReconciliationAnswer
from server.api.stated_limits import Limits
from server.api.stays import CheckOut, Extend, Move, PremisesAnswer, StayAnswer, StaysAnswer, Undo, Withdraw
from server.api.tokens import TokenAnswer, TokenRefusal
from server.api.webhooks import DeliveriesAnswer, WebhookAnswer, WebhookKey
from server.problems import BY_KIND, problem_document
from server.webhooks import End, Pause, Replay, Resend, Resume, Rotate, TryOut, Webhook

VERSION: Final = "1.4.0"
STRUCTS: Final = (
    StayDeclaration, PmsEvent, ReceiptAnswer, CheckAnswer, PublicReceipt, KioskAnswer, ProblemDocument, Entry, BatchAnswer, BatchItem, PremisesAnswer, StayAnswer,
    StaysAnswer, CheckOut, Extend, Move, Withdraw, Undo, House, ReconciliationAnswer, SignOff, SignOffAnswer, ClosesAnswer, EventsAnswer, CodeList, CodeListName, Limits,
    TokenAnswer, TokenRefusal, Webhook, WebhookAnswer, WebhookKey, DeliveriesAnswer, Rotate, TryOut, Pause, Resume, Replay, Resend, End, WebhookBody,
    LooksAnswer,
)  # fmt: skip
TAGS: Final = {
    "codes": "What codes mean, and how much may be sent.",
    "declarations": "State that somebody stays, leaves, stays longer, or that a statement was wrong.",
    "events": "What happened, from a cursor on.",
    "kiosks": "The machines at the doors.",
    "looks": "Who looked at a person, for that person.",
    "oauth": "How a program comes in.",
    "pms": "What a property-management system says of its guests.",
    "receipts": "The registry's signed answers.",
    "stays": "Stays as they stand, and what happens to them.",
    "webhooks": "Be told of events as they happen.",
}
PROBLEM: Final = {"$ref": "#/components/schemas/ProblemDocument"}
DRY: Final = {"$ref": "#/components/schemas/CheckAnswer"}
TOKEN_PATH: Final = "/v1/oauth/token"  # noqa: S105  # an address
SCOPES: Final = {
    "declare": "Declare, check, check out, change; send batches and ask what became of one's own.",
    "read": "Receipts, stays, events, webhooks.",
    "reconcile": "Compare the own list of guests with what is declared; sign an evening off on it.",
}


def _parameter(name: str, place: str, description: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "description": description, "schema": schema}


QUERY: Final = {
    "dry_run": _parameter("dry_run", "query", "Check and record nothing.", {"type": "string", "enum": ["true", "false"]}),
    "cursor": _parameter("cursor", "query", "Where to go on: next of the page before.", {"type": "string", "maxLength": 400}),
    "limit": _parameter("limit", "query", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
    "since": _parameter(
        "since", "query", "Where to begin without a cursor; a day ago if left out.", {"type": "string", "format": "date-time"}
    ),
}
KEY: Final = _parameter(
    "Idempotency-Key", "header", "Your own name for this piece of work; needed unless it is a dry run.",
    {"type": "string", "minLength": 8, "maxLength": 200, "pattern": "^[!-~]+$"},
)  # fmt: skip
IF_MATCH: Final = _parameter("If-Match", "header", "The tag of the stay as you read it.", {"type": "string"})
IF_NONE_MATCH: Final = _parameter("If-None-Match", "header", "The tag you have.", {"type": "string"})


@cache
def document() -> dict[str, Any]:
    """Return the document."""
    paths: dict[str, dict[str, Any]] = {TOKEN_PATH: {"post": _token_operation()}}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Luutru",
            "version": VERSION,
            "summary": "Declare stays and get signed receipts.",
            "description": "For lodging software. Send the same bytes again whenever an answer was lost: the first receipt comes back.",
            "contact": {"name": "The operator of this server", "url": "https://luutru.example"},
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api", "description": "This server"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "security": [{"program": []}, {"bearer": []}, {"session": [], "csrf": []}],
        "paths": paths,
        "webhooks": {"stayEvent": {"post": _webhook()}},
        "components": {"schemas": _schemas(), "securitySchemes": _ways_in()},
    }


def _schemas() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components(STRUCTS, ref_template="#/components/schemas/{name}")
    schemas["Batch"] = {
        "title": "Batch",
        "description": "Up to 500 declarations; one that is none is refused by itself.",
        "type": "object",
        "required": ["declarations"],
        "properties": {
            "declarations": {
                "type": "array",
                "minItems": 1,
                "maxItems": 500,
                "items": {"anyOf": [{"$ref": "#/components/schemas/StayDeclaration"}, {"type": "object"}]},
            }
        },
    }
    schemas["Change"] = _one_of("Change", "What has changed of a stay.", (Extend, Move, Withdraw, Undo))
    steps = (Rotate, TryOut, Pause, Resume, Replay, Resend, End)
    schemas["HookStep"] = _one_of("HookStep", "What to do with a webhook.", steps)
    made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schemas))  # tuples become lists
    return dict(sorted(made.items()))


def _one_of(title: str, description: str, kinds: tuple[type[msgspec.Struct], ...]) -> dict[str, Any]:
    places = {str(each.__struct_config__.tag): f"#/components/schemas/{each.__name__}" for each in kinds}
    return {
        "title": title,
        "description": description,
        "oneOf": [{"$ref": place} for place in places.values()],
        "discriminator": {"propertyName": kinds[0].__struct_config__.tag_field, "mapping": places},
    }


def _ways_in() -> dict[str, Any]:
    flow = {"clientCredentials": {"tokenUrl": f"/api{TOKEN_PATH}", "scopes": SCOPES}}
    return {
        "program": {"type": "oauth2", "description": "A program registered with: luutru program add", "flows": flow},
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token made with: luutru account token NAME"},
        "session": {"type": "apiKey", "in": "cookie", "name": "luutru", "description": "A page's session"},
        "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "With a page's session"},
    }


def _operation(each: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": each.operation_id,
        "summary": each.summary,
        "description": each.summary,
        "tags": [each.tag],
        "parameters": _parameters(each),
        "responses": {str(status): _answer(each, status, text) for status, text in sorted(each.answers.items())}
        | {str(status): _error(status, codes) for status, codes in sorted(each.errors.items())},
    }
    if each.body_schema:
        body_schema = {"schema": {"$ref": f"#/components/schemas/{each.body_schema}"}, "examples": BODIES[each.operation_id]}
        made["requestBody"] = {"required": each.body_required, "content": {"application/json": body_schema}}
    if each.open_to_all:
        made["security"] = []
    elif each.scope:
        made["security"] = [{"program": [each.scope]}, {"bearer": []}, {"session": [], "csrf": []}]
    return made


def _parameters(each: Operation) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in each.path.split("/") if part.startswith("{")]
    text = {"type": "string", "minLength": 1, "maxLength": 64}
    made = [_parameter(name, "path", f"The {name.replace('_', ' ')}.", text, required=True) for name in names]
    made += [QUERY[name] for name in each.query]
    wanted = ((each.keyed, KEY), (each.guarded, IF_MATCH), (each.tagged, IF_NONE_MATCH))
    return made + [parameter for needed, parameter in wanted if needed]


def _answer(each: Operation, status: int, text: str) -> dict[str, Any]:
    made: dict[str, Any] = {"description": text}
    if each.tagged:
        made["headers"] = {"ETag": {"description": "The tag of this answer.", "schema": {"type": "string"}}}
    if status == HTTPStatus.NOT_MODIFIED:
        return made
    if (each.operation_id, status) in LINKS:
        made["links"] = {
            name: {"operationId": name, "parameters": {parameter: f"$response.body#{place}"}}
            for name, (parameter, place) in LINKS[each.operation_id, status].items()
        }
    schema: dict[str, Any] = {"$ref": f"#/components/schemas/{each.answer_schema}"}
    if status == HTTPStatus.OK and each.query[:1] == ("dry_run",) and each.answer_schema == "ReceiptAnswer":
        schema = {"anyOf": [schema, DRY]} if each.operation_id in {"postDeclaration", "postPmsEvent"} else DRY
    made["content"] = {"application/json": {"schema": {"type": "array", "items": schema} if each.many else schema}}
    return made


def _error(status: int, codes: tuple[str, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}",
        "content": {
            "application/problem+json": {"schema": PROBLEM, "examples": {code: _example(code, status) for code in codes}}
        },
    }
    if status in {409, 429}:
        told = {"description": "How many seconds to wait, where waiting helps.", "schema": {"type": "integer", "minimum": 1}}
        made["headers"] = {"Retry-After": told}
    return made


def _example(code: str, status: int) -> dict[str, Any]:
    kind = next((each for each, usual in BY_KIND.items() if usual == status), Refused)
    told = problem_document(kind(code)) | {"problems": []}
    return {"summary": told["detail"], "value": told}


def _webhook() -> dict[str, Any]:
    text = "Sent by us, signed by Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature."
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/WebhookBody"}}}
    return {
        "operationId": "onStayEvent",
        "summary": "A statement was answered at one of your premises.",
        "description": text,
        "tags": ["webhooks"],
        "security": [],
        "requestBody": {"required": True, "content": content},
        "responses": {"2XX": {"description": "Taken."}, "410": {"description": "Send no more."}},
    }


def _token_operation() -> dict[str, Any]:
    text = {"type": "string", "maxLength": 400}
    form = {
        "type": "object",
        "required": ["grant_type"],
        "properties": {
            "grant_type": {"type": "string", "enum": ["client_credentials"]},
            "scope": text,
            "client_id": text,
            "client_secret": text,
        },
    }
    refusals = {400: ("invalid_request", "unsupported_grant_type", "invalid_scope"), 401: ("invalid_client",)}
    return {
        "operationId": "postToken",
        "summary": "Get an access token by OAuth 2.0 client credentials.",
        "description": "The client is known by HTTP Basic, or by client_id and client_secret in the form.",
        "tags": ["oauth"],
        "security": [],
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}},
        "responses": {
            "200": _json("A token.", "TokenAnswer", {}),
            **{
                str(status): _json(", ".join(words), "TokenRefusal", {"examples": _refusals(words)})
                for status, words in refusals.items()
            },
            "413": _error(413, ("server.form_too_large",)),
            "422": _error(422, ("server.form_unreadable",)),
            "429": _error(429, ("server.too_many_attempts",)),
        },
    }


def _refusals(words: tuple[str, ...]) -> dict[str, Any]:
    return {word: {"value": {"error": word, "error_description": "Why, in words."}} for word in words}


def _json(description: str, name: str, more: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}, **more}},
    }

"""The OpenAPI 3.1 document of the API, built from one table of operations and the structs the handlers use.

- Schemas come from the msgspec structs, so the document cannot drift from what is read and written.
- Every error is ``application/problem+json``; the table names the codes a caller should expect of each operation.
- ``docs/openapi.json`` is this document, committed; a test compares them.

Example: ``document()["paths"]["/v1/declarations"]["post"]["responses"]["201"]``
"""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any, Final, Literal

import msgspec

from residence.errors.guide import Entry
from residence.stays.declaration import StayDeclaration
from server.api.answers import CheckAnswer, KioskAnswer, ProblemDocument, PublicReceipt, ReceiptAnswer

VERSION: Final = "1.0.0"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. ``errors``: status -> codes."""

    method: Literal["get", "post"]
    path: str
    operation_id: str
    summary: str
    tag: str
    answers: dict[int, str]  # status -> what it means
    errors: dict[int, tuple[str, ...]]
    answer_schema: str
    body: bool = False
    open_to_all: bool = False
    many: bool = False


SIGNED_IN: Final[dict[int, tuple[str, ...]]] = {401: ("server.sign_in_needed",), 403: ("server.not_allowed", "server.csrf")}
INPUT: Final[dict[int, tuple[str, ...]]] = {413: ("server.form_too_large",), 422: ("server.input_unreadable",)}
OPERATIONS: Final = (
    Operation(
        method="post",
        path="/v1/declarations",
        operation_id="postDeclaration",
        summary="Declare a stay, extension, departure or correction, and get the signed receipt.",
        tag="declarations",
        answers={201: "Recorded.", 200: "The same bytes were recorded before; this is the first receipt."},
        errors=SIGNED_IN
        | INPUT
        | {
            403: (
                "server.not_allowed",
                "server.csrf",
                "server.declarant_not_you",
                "server.role_not_yours",
                "server.evidence_not_checked",
                "server.attester_not_you",
            ),
            409: ("server.id_reused",),
            422: ("server.input_unreadable", "server.input_problems", "server.statement_refused"),
        },
        answer_schema="ReceiptAnswer",
        body=True,
    ),
    Operation(
        method="post",
        path="/v1/declarations/check",
        operation_id="checkDeclaration",
        summary="Check a declaration and record nothing: every problem at once, and the deadline.",
        tag="declarations",
        answers={200: "Checked."},
        errors=SIGNED_IN | INPUT,
        answer_schema="CheckAnswer",
        body=True,
    ),
    Operation(
        method="get",
        path="/v1/declarations/{declaration_id}/receipt",
        operation_id="getReceipt",
        summary="Get the receipt of a declaration again.",
        tag="receipts",
        answers={200: "The receipt as first given."},
        errors={401: ("server.sign_in_needed",), 404: ("server.not_found",)},
        answer_schema="ReceiptAnswer",
    ),
    Operation(
        method="get",
        path="/v1/receipts/{code}",
        operation_id="getPublicReceipt",
        summary="Look at a receipt by its code, without an account; no name is in it.",
        tag="receipts",
        answers={200: "The receipt's state."},
        errors={404: ("server.receipt_unknown",), 422: ("receipt.code",), 429: ("server.too_many_attempts",)},
        answer_schema="PublicReceipt",
        open_to_all=True,
    ),
    Operation(
        method="get",
        path="/v1/errors",
        operation_id="getErrors",
        summary="List every code: severity, meaning, how to mend it and who has to act, in Vietnamese and English.",
        tag="codes",
        answers={200: "The catalogue; its ETag changes when it does.", 304: "It is as you have it."},
        errors={},
        answer_schema="Entry",
        open_to_all=True,
        many=True,
    ),
    Operation(
        method="get",
        path="/v1/kiosks",
        operation_id="getKiosks",
        summary="List the kiosks of the operator's commune with their last sign of life.",
        tag="kiosks",
        answers={200: "The kiosks."},
        errors={401: ("server.sign_in_needed",), 403: ("server.not_allowed",)},
        answer_schema="KioskAnswer",
        many=True,
    ),
)
TAGS: Final = {
    "declarations": "State that somebody stays, leaves, stays longer, or that a statement was wrong.",
    "receipts": "The registry's signed answers.",
    "kiosks": "The machines at the doors.",
    "codes": "What codes mean.",
}


@cache
def document() -> dict[str, Any]:
    """Return the document."""
    structs = [StayDeclaration, ReceiptAnswer, CheckAnswer, PublicReceipt, KioskAnswer, ProblemDocument, Entry]
    _, schemas = msgspec.json.schema_components(structs, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Luutru",
            "version": VERSION,
            "summary": "Declare stays and get signed receipts.",
            "description": "For lodging software. Send the same bytes again whenever an answer was lost: the first receipt comes back.",
            "contact": {"name": "The operator of this server"},
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api", "description": "This server"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "security": [{"bearer": []}, {"session": [], "csrf": []}],
        "paths": paths,
        "components": {
            "schemas": msgspec.json.decode(msgspec.json.encode(schemas)),  # tuples become lists
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token made with: luutru account token NAME"},
                "session": {"type": "apiKey", "in": "cookie", "name": "luutru"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
            },
        },
    }


def _operation(each: Operation) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": f"#/components/schemas/{each.answer_schema}"}
    content = {"application/json": {"schema": {"type": "array", "items": schema} if each.many else schema}}
    made: dict[str, Any] = {
        "operationId": each.operation_id,
        "summary": each.summary,
        "description": each.summary,
        "tags": [each.tag],
        "responses": {str(status): _answer(status, text, content) for status, text in each.answers.items()}
        | {str(status): _error(status, codes) for status, codes in sorted(each.errors.items())},
    }
    if each.body:
        body_schema = {"schema": {"$ref": "#/components/schemas/StayDeclaration"}}
        made["requestBody"] = {"required": True, "content": {"application/json": body_schema}}
    if each.open_to_all:
        made["security"] = []
    names = [part[1:-1] for part in each.path.split("/") if part.startswith("{")]
    if names:
        made["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "maxLength": 64}} for name in names
        ]
    return made


def _answer(status: int, text: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"description": text} if status == HTTPStatus.NOT_MODIFIED else {"description": text, "content": content}


def _error(status: int, codes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    }

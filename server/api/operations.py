"""Every operation of the API in one table: what it is called, what it answers, which codes a caller should expect of it.

- The OpenAPI document and the typed client are made from this table; a test holds it against the routes there are.
- A code stands under the status it is answered with.

Example: ``OPERATIONS[0].operation_id``
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Codes = dict[int, tuple[str, ...]]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. ``answers``: status -> what it means; ``errors``: status -> codes; ``query``: parameters by name."""

    method: Literal["get", "post"]
    path: str
    operation_id: str
    summary: str
    tag: str
    answers: dict[int, str]
    errors: Codes
    answer_schema: str
    body_schema: str | None = None
    body_required: bool = True
    query: tuple[str, ...] = ()
    keyed: bool = False  # takes an Idempotency-Key
    guarded: bool = False  # takes If-Match
    tagged: bool = False  # answers with an ETag and to If-None-Match
    scope: str | None = None
    open_to_all: bool = False
    many: bool = False


def _also(*codes: Codes) -> Codes:
    """Return several tables of codes as one."""
    merged: Codes = {}
    for each in codes:
        for status, named in each.items():
            merged[status] = tuple(dict.fromkeys((*merged.get(status, ()), *named)))
    return merged


SIGNED_IN: Final[Codes] = {401: ("server.sign_in_needed",), 403: ("server.not_allowed",), 429: ("api.too_many_requests",)}
SCOPED: Final[Codes] = _also(SIGNED_IN, {403: ("api.scope_missing",)})
WRITING: Final[Codes] = _also(SCOPED, {403: ("server.csrf",)})
INPUT: Final[Codes] = {413: ("server.form_too_large",), 422: ("server.input_unreadable",)}
KEYED: Final[Codes] = {400: ("api.key_missing", "api.key_malformed"), 409: ("api.key_running",), 422: ("api.key_reused",)}
PAGED: Final[Codes] = {422: ("api.cursor_unreadable", "api.limit_unfit")}
NOT_YOURS: Final[Codes] = {
    403: ("server.declarant_not_you", "server.role_not_yours", "server.evidence_not_checked", "server.attester_not_you")
}
JUDGED: Final[Codes] = {409: ("server.id_reused",), 422: ("server.input_problems", "server.statement_refused")}
STEP: Final[Codes] = _also(WRITING, INPUT, KEYED, JUDGED, {404: ("server.not_found",), 412: ("api.changed_meanwhile",)})
DECLARED: Final = {
    201: "Recorded.",
    200: "The same was recorded before and this is its first receipt; or the answer of a dry run.",
}
STEPPED: Final = {201: "Recorded, with a receipt of its own.", 200: "The answer of a dry run."}
READ: Final = {200: "As it stands.", 304: "It is as you have it."}

DECLARING: Final = (
    Operation(
        method="post", path="/v1/declarations", operation_id="postDeclaration", tag="declarations", scope="declare",
        summary="Declare a stay, extension, departure or correction, and get the signed receipt.",
        answers=DECLARED, errors=_also(WRITING, INPUT, NOT_YOURS, JUDGED), answer_schema="ReceiptAnswer",
        body_schema="StayDeclaration", query=("dry_run",),
    ),
    Operation(
        method="post", path="/v1/declarations/check", operation_id="checkDeclaration", tag="declarations", scope="declare",
        summary="Check a declaration and record nothing: every problem at once, and the deadline.",
        answers={200: "Checked."}, errors=_also(WRITING, INPUT, NOT_YOURS), answer_schema="CheckAnswer", body_schema="StayDeclaration",
    ),
    Operation(
        method="post", path="/v1/batches", operation_id="postBatch", tag="declarations", scope="declare", keyed=True,
        summary="Declare up to 500 stays at once; each is judged by itself and has its own state, code and receipt.",
        answers={200: "What became of each, also of a dry run."},
        errors=_also(WRITING, INPUT, KEYED, {413: ("api.batch_too_long",), 422: ("api.batch_empty",)}),
        answer_schema="BatchAnswer", body_schema="Batch", query=("dry_run",),
    ),
    Operation(
        method="get", path="/v1/batches/{batch_id}", operation_id="getBatch", tag="declarations", scope="declare", tagged=True,
        summary="Get how a batch stands and what became of each declaration in it.",
        answers=READ, errors=_also(SIGNED_IN, {404: ("server.not_found",)}), answer_schema="BatchAnswer",
    ),
)  # fmt: skip
FROM_PMS: Final = (
    Operation(
        method="post", path="/v1/pms-events", operation_id="postPmsEvent", tag="pms", scope="declare",
        summary="Say what happened to one guest in a property-management system, as a CloudEvent; each is a statement with a receipt.",
        answers={201: "Recorded.", 200: "This event, or this check-in, was recorded before and this is its receipt; or the answer of a dry run."},
        errors=_also(WRITING, INPUT, JUDGED, {409: ("pms.stay_unknown",), 422: ("pms.field_missing", "time.malformed")}),
        answer_schema="ReceiptAnswer", body_schema="PmsEvent", query=("dry_run",),
    ),
)  # fmt: skip
STAYS: Final = (
    Operation(
        method="get", path="/v1/premises", operation_id="getPremises", tag="stays", scope="read", tagged=True, many=True,
        summary="List your premises and their rooms.", answers=READ, errors=SCOPED, answer_schema="PremisesAnswer",
    ),
    Operation(
        method="get", path="/v1/premises/{premises_id}/stays", operation_id="getStays", tag="stays", scope="read", tagged=True,
        summary="List the stays that stand at one of your premises, oldest arrival first, without names.",
        answers=READ, errors=_also(SCOPED, PAGED), answer_schema="StaysAnswer", query=("cursor", "limit"),
    ),
    Operation(
        method="get", path="/v1/stays/{stay_id}", operation_id="getStay", tag="stays", scope="read", tagged=True,
        summary="Get one stay.", answers=READ, errors=SCOPED, answer_schema="StayAnswer",
    ),
    Operation(
        method="post", path="/v1/stays/{stay_id}/check-out", operation_id="postCheckOut", tag="stays", scope="declare",
        summary="Say that the guest has left.", keyed=True, guarded=True,
        answers=STEPPED, errors=STEP, answer_schema="ReceiptAnswer", body_schema="CheckOut", body_required=False, query=("dry_run",),
    ),
    Operation(
        method="post", path="/v1/stays/{stay_id}/changes", operation_id="postChange", tag="stays", scope="declare",
        summary="Say that the guest stays longer, moved to another room, did not come, or that the last word was a mistake.",
        keyed=True, guarded=True, answers=STEPPED, errors=STEP, answer_schema="ReceiptAnswer", body_schema="Change", query=("dry_run",),
    ),
    Operation(
        method="post", path="/v1/premises/{premises_id}/reconciliation", operation_id="postReconciliation", tag="stays", scope="reconcile",
        summary="Compare who sleeps in the house with what is declared; the list is kept nowhere.",
        answers={200: "Compared."}, errors=_also(WRITING, INPUT, {413: ("api.list_too_long",), 422: ("house-list.no_name",)}),
        answer_schema="ReconciliationAnswer", body_schema="House",
    ),
    Operation(
        method="post", path="/v1/premises/{premises_id}/closes", operation_id="postClose", tag="stays", scope="reconcile",
        summary="Sign the evening off on your own list: compared now, every point that stands open with a reason.",
        answers={201: "Signed.", 200: "The same was signed before."},
        errors=_also(WRITING, INPUT, {413: ("api.list_too_long",), 422: ("house-list.no_name", "server.input_problems")}),
        answer_schema="SignOffAnswer", body_schema="SignOff",
    ),
    Operation(
        method="get", path="/v1/premises/{premises_id}/closes", operation_id="getCloses", tag="stays", scope="read", tagged=True,
        summary="List the days that were closed or signed off at one of your premises, the latest first.",
        answers=READ, errors=SCOPED, answer_schema="ClosesAnswer",
    ),
    Operation(
        method="get", path="/v1/events", operation_id="getEvents", tag="events", scope="read",
        summary="Follow what was stated at your premises, whichever way it came in, from a cursor on.",
        answers={200: "Events, oldest first."}, errors=_also(SCOPED, PAGED, {422: ("time.malformed",)}), answer_schema="EventsAnswer",
        query=("cursor", "limit", "since"),
    ),
)  # fmt: skip
HOOK: Final[Codes] = {
    403: ("webhook.private_address", "webhook.not_https"),
    409: ("webhook.too_many",),
    422: ("webhook.address_malformed",),
}
OWN_HOOK: Final[Codes] = _also(SCOPED, {404: ("server.not_found",)})
TELLING: Final = (
    Operation(
        method="get", path="/v1/webhooks", operation_id="getWebhooks", tag="webhooks", scope="read", many=True, tagged=True,
        summary="List your webhooks.", answers=READ, errors=SCOPED, answer_schema="WebhookAnswer",
    ),
    Operation(
        method="post", path="/v1/webhooks", operation_id="postWebhook", tag="webhooks", scope="read", keyed=True,
        summary="Be told of what happens at your premises, as it happens, at an address of yours.",
        answers={201: "Kept. What messages are checked with is fetched by getWebhookKey."}, errors=_also(WRITING, INPUT, KEYED, HOOK),
        answer_schema="WebhookAnswer", body_schema="Webhook",
    ),
    Operation(
        method="get", path="/v1/webhooks/{hook_id}", operation_id="getWebhook", tag="webhooks", scope="read", tagged=True,
        summary="Get how a webhook stands.", answers=READ, errors=OWN_HOOK, answer_schema="WebhookAnswer",
    ),
    Operation(
        method="get", path="/v1/webhooks/{hook_id}/key", operation_id="getWebhookKey", tag="webhooks", scope="read",
        summary="Get what messages are checked with: the shared secret, or the public key.", answers={200: "Keep it safe."},
        errors=OWN_HOOK, answer_schema="WebhookKey",
    ),
    Operation(
        method="post", path="/v1/webhooks/{hook_id}/steps", operation_id="postWebhookStep", tag="webhooks", scope="read", keyed=True,
        summary="Change the key, send a test, pause, resume, replay from an instant, send one message again, or end.",
        answers={200: "As it stands then."}, errors=_also(WRITING, INPUT, KEYED, {404: ("server.not_found",), 422: ("time.malformed",)}),
        answer_schema="WebhookAnswer", body_schema="HookStep",
    ),
    Operation(
        method="get", path="/v1/webhooks/{hook_id}/deliveries", operation_id="getDeliveries", tag="webhooks", scope="read",
        summary="List a webhook's messages and how they fared, the newest first.", answers={200: "Messages."},
        errors=_also(OWN_HOOK, PAGED), answer_schema="DeliveriesAnswer", query=("cursor", "limit"),
    ),
)  # fmt: skip
LOOKING_UP: Final = (
    Operation(
        method="get", path="/v1/declarations/{declaration_id}/receipt", operation_id="getReceipt", tag="receipts", scope="read",
        summary="Get the receipt of a declaration again.", tagged=True, answers=READ,
        errors=_also({401: SIGNED_IN[401], 429: SIGNED_IN[429]}, {404: ("server.not_found",)}), answer_schema="ReceiptAnswer",
    ),
    Operation(
        method="get", path="/v1/receipts/{code}", operation_id="getPublicReceipt", tag="receipts", open_to_all=True,
        summary="Look at a receipt by its code, without an account; no name is in it.", answers={200: "The receipt's state."},
        errors={404: ("server.receipt_unknown",), 422: ("receipt.code",), 429: ("server.too_many_attempts",)}, answer_schema="PublicReceipt",
    ),
    Operation(
        method="get", path="/v1/errors", operation_id="getErrors", tag="codes", open_to_all=True, many=True, tagged=True,
        summary="List every code: severity, meaning, how to mend it and who has to act, in Vietnamese and English.",
        answers={200: "The catalogue; its ETag changes when it does.", 304: READ[304]}, errors={}, answer_schema="Entry",
    ),
    Operation(
        method="get", path="/v1/code-lists", operation_id="getCodeLists", tag="codes", open_to_all=True, many=True, tagged=True,
        summary="List the code lists.", answers=READ, errors={}, answer_schema="CodeListName",
    ),
    Operation(
        method="get", path="/v1/code-lists/{name}", operation_id="getCodeList", tag="codes", open_to_all=True, tagged=True,
        summary="Get one code list, in Vietnamese and English.", answers=READ, errors={404: ("api.list_unknown",)}, answer_schema="CodeList",
    ),
    Operation(
        method="get", path="/v1/limits", operation_id="getLimits", tag="codes", open_to_all=True, tagged=True,
        summary="Get how much one request may hold and how many there may be.", answers=READ, errors={}, answer_schema="Limits",
    ),
    Operation(
        method="get", path="/v1/me/looks", operation_id="getOwnLooks", tag="looks", tagged=True,
        summary="List who looked at the caller: when, from where, why, which fields. For residents.",
        answers=READ, errors=_also(SIGNED_IN, {403: ("account.nobodys",)}, PAGED), answer_schema="LooksAnswer", query=("cursor", "limit"),
    ),
    Operation(
        method="get", path="/v1/kiosks", operation_id="getKiosks", tag="kiosks", many=True,
        summary="List the kiosks of the operator's commune with their last sign of life.", answers={200: "The kiosks."},
        errors=SIGNED_IN, answer_schema="KioskAnswer",
    ),
)  # fmt: skip
OPERATIONS: Final = (*DECLARING, *FROM_PMS, *STAYS, *TELLING, *LOOKING_UP)

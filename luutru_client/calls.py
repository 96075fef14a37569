"""One method for each operation of the API, written by ``scripts/docs`` from the API's document.

- A no of the server is ``line.ApiProblem``, with its code and every problem of the input.
- ``key`` names a piece of work: keep it, and send the same again until there is an answer.

Example: ``Api(line).get_premises()[0]["premises_id"]``
"""

from __future__ import annotations

from typing import cast

from luutru_client.line import part
from luutru_client.sent import (
    Batch,
    Change,
    CheckOut,
    House,
    PmsEvent,
    SignOff,
    StayDeclaration,
)
from luutru_client.told import (
    BatchAnswer,
    CheckAnswer,
    ClosesAnswer,
    CodeList,
    CodeListName,
    Entry,
    EventsAnswer,
    KioskAnswer,
    Limits,
    PremisesAnswer,
    PublicReceipt,
    ReceiptAnswer,
    ReconciliationAnswer,
    SignOffAnswer,
    StayAnswer,
    StaysAnswer,
)
from luutru_client.webhooks import Webhooks


class Api(Webhooks):
    """The operations of one server."""

    def post_declaration(
        self,
        body: StayDeclaration,
        *,
        dry_run: bool = False,
    ) -> ReceiptAnswer | CheckAnswer:
        """Declare a stay, extension, departure or correction, and get the signed receipt."""
        answer = self._line.call(
            "POST",
            "/v1/declarations",
            body=body,
            query={"dry_run": dry_run},
        )
        return cast("ReceiptAnswer | CheckAnswer", answer)

    def check_declaration(
        self,
        body: StayDeclaration,
    ) -> CheckAnswer:
        """Check a declaration and record nothing: every problem at once, and the deadline."""
        answer = self._line.call(
            "POST",
            "/v1/declarations/check",
            body=body,
        )
        return cast("CheckAnswer", answer)

    def post_batch(
        self,
        body: Batch,
        *,
        key: str,
        dry_run: bool = False,
    ) -> BatchAnswer:
        """Declare up to 500 stays at once; each is judged by itself and has its own state, code and receipt."""
        answer = self._line.call(
            "POST",
            "/v1/batches",
            body=body,
            query={"dry_run": dry_run},
            headers={"Idempotency-Key": key},
        )
        return cast("BatchAnswer", answer)

    def get_batch(
        self,
        batch_id: str,
    ) -> BatchAnswer:
        """Get how a batch stands and what became of each declaration in it."""
        answer = self._line.call(
            "GET",
            f"/v1/batches/{part(batch_id)}",
        )
        return cast("BatchAnswer", answer)

    def post_pms_event(
        self,
        body: PmsEvent,
        *,
        dry_run: bool = False,
    ) -> ReceiptAnswer | CheckAnswer:
        """Say what happened to one guest in a property-management system, as a CloudEvent; each is a statement with a receipt."""
        answer = self._line.call(
            "POST",
            "/v1/pms-events",
            body=body,
            query={"dry_run": dry_run},
        )
        return cast("ReceiptAnswer | CheckAnswer", answer)

    def get_premises(
        self,
    ) -> list[PremisesAnswer]:
        """List your premises and their rooms."""
        answer = self._line.call(
            "GET",
            "/v1/premises",
        )
        return cast("list[PremisesAnswer]", answer)

    def get_stays(
        self,
        premises_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> StaysAnswer:
        """List the stays that stand at one of your premises, oldest arrival first, without names."""
        answer = self._line.call(
            "GET",
            f"/v1/premises/{part(premises_id)}/stays",
            query={"cursor": cursor, "limit": limit},
        )
        return cast("StaysAnswer", answer)

    def get_stay(
        self,
        stay_id: str,
    ) -> StayAnswer:
        """Get one stay."""
        answer = self._line.call(
            "GET",
            f"/v1/stays/{part(stay_id)}",
        )
        return cast("StayAnswer", answer)

    def post_check_out(
        self,
        stay_id: str,
        body: CheckOut,
        *,
        key: str,
        dry_run: bool = False,
        if_match: str | None = None,
    ) -> CheckAnswer | ReceiptAnswer:
        """Say that the guest has left."""
        answer = self._line.call(
            "POST",
            f"/v1/stays/{part(stay_id)}/check-out",
            body=body,
            query={"dry_run": dry_run},
            headers={"Idempotency-Key": key, "If-Match": if_match},
        )
        return cast("CheckAnswer | ReceiptAnswer", answer)

    def post_change(
        self,
        stay_id: str,
        body: Change,
        *,
        key: str,
        dry_run: bool = False,
        if_match: str | None = None,
    ) -> CheckAnswer | ReceiptAnswer:
        """Say that the guest stays longer, moved to another room, did not come, or that the last word was a mistake."""
        answer = self._line.call(
            "POST",
            f"/v1/stays/{part(stay_id)}/changes",
            body=body,
            query={"dry_run": dry_run},
            headers={"Idempotency-Key": key, "If-Match": if_match},
        )
        return cast("CheckAnswer | ReceiptAnswer", answer)

    def post_reconciliation(
        self,
        premises_id: str,
        body: House,
    ) -> ReconciliationAnswer:
        """Compare who sleeps in the house with what is declared; the list is kept nowhere."""
        answer = self._line.call(
            "POST",
            f"/v1/premises/{part(premises_id)}/reconciliation",
            body=body,
        )
        return cast("ReconciliationAnswer", answer)

    def post_close(
        self,
        premises_id: str,
        body: SignOff,
    ) -> SignOffAnswer:
        """Sign the evening off on your own list: compared now, every point that stands open with a reason."""
        answer = self._line.call(
            "POST",
            f"/v1/premises/{part(premises_id)}/closes",
            body=body,
        )
        return cast("SignOffAnswer", answer)

    def get_closes(
        self,
        premises_id: str,
    ) -> ClosesAnswer:
        """List the days that were closed or signed off at one of your premises, the latest first."""
        answer = self._line.call(
            "GET",
            f"/v1/premises/{part(premises_id)}/closes",
        )
        return cast("ClosesAnswer", answer)

    def get_events(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        since: str | None = None,
    ) -> EventsAnswer:
        """Follow what was stated at your premises, whichever way it came in, from a cursor on."""
        answer = self._line.call(
            "GET",
            "/v1/events",
            query={"cursor": cursor, "limit": limit, "since": since},
        )
        return cast("EventsAnswer", answer)

    def get_receipt(
        self,
        declaration_id: str,
    ) -> ReceiptAnswer:
        """Get the receipt of a declaration again."""
        answer = self._line.call(
            "GET",
            f"/v1/declarations/{part(declaration_id)}/receipt",
        )
        return cast("ReceiptAnswer", answer)

    def get_public_receipt(
        self,
        code: str,
    ) -> PublicReceipt:
        """Look at a receipt by its code, without an account; no name is in it."""
        answer = self._line.call(
            "GET",
            f"/v1/receipts/{part(code)}",
        )
        return cast("PublicReceipt", answer)

    def get_errors(
        self,
    ) -> list[Entry]:
        """List every code: severity, meaning, how to mend it and who has to act, in Vietnamese and English."""
        answer = self._line.call(
            "GET",
            "/v1/errors",
        )
        return cast("list[Entry]", answer)

    def get_code_lists(
        self,
    ) -> list[CodeListName]:
        """List the code lists."""
        answer = self._line.call(
            "GET",
            "/v1/code-lists",
        )
        return cast("list[CodeListName]", answer)

    def get_code_list(
        self,
        name: str,
    ) -> CodeList:
        """Get one code list, in Vietnamese and English."""
        answer = self._line.call(
            "GET",
            f"/v1/code-lists/{part(name)}",
        )
        return cast("CodeList", answer)

    def get_limits(
        self,
    ) -> Limits:
        """Get how much one request may hold and how many there may be."""
        answer = self._line.call(
            "GET",
            "/v1/limits",
        )
        return cast("Limits", answer)

    def get_kiosks(
        self,
    ) -> list[KioskAnswer]:
        """List the kiosks of the operator's commune with their last sign of life."""
        answer = self._line.call(
            "GET",
            "/v1/kiosks",
        )
        return cast("list[KioskAnswer]", answer)

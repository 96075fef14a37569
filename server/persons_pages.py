"""Which pages are people's own, and so speak six languages: by template.

- A person's page speaks what its reader wishes, unless somebody at work is signed in.
- Pages not listed here speak Vietnamese and English: those for work. What a guided path says has words of its own
  (``residence/paths/words.toml``); the page around it is a person's.
- The form of a stay is a person's where a household or the link of a message opens it (``residents/declare.html``); a desk's is its own page.

Example: ``speaks("residents/own.html", wish="ko", at_work=False) == "ko"``
"""

from __future__ import annotations

from typing import Final

from server.languages import Language, language_of_work

PERSONS: Final = frozenset({
    "addresses.html", "home.html", "error.html", "public_figures.html", "accounts/account.html", "accounts/again.html", "accounts/going.html", "accounts/kiosk_ticket.html", "accounts/link.html",
    "accounts/paper.html", "accounts/places.html", "accounts/sign_in.html", "accounts/signed_out.html", "residents/acting.html", "residents/check_deletion.html",
    "residents/check_receipt.html", "residents/copy.html", "residents/declare.html", "residents/delegation_code.html", "residents/delegations.html", "residents/deletion.html",
    "residents/door.html", "residents/door_code.html", "residents/door_link.html", "residents/door_none.html", "residents/leave.html", "residents/lock.html", "residents/looks.html", "residents/message_link.html", "residents/one_stay.html", "residents/own.html",
    "residents/path.html", "residents/path_begin.html", "residents/path_slip.html", "residents/procedure.html", "residents/procedure_new.html",
    "residents/procedures.html", "residents/proof.html", "residents/receipt.html", "residents/rights.html", "residents/stay_code.html", "residents/stay_longer.html", "residents/visitor_declared.html",
    "residents/wrong_stay.html",
})  # fmt: skip
# What those are made of besides.
PARTS: Final = frozenset({
    "layout.html", "path_slip_body.html", "receipt_facts.html", "stay_form.html", "accounts/devices.html", "residents/look_rows.html", "residents/own_stays.html",
})  # fmt: skip


def speaks(template: str, *, wish: Language, at_work: bool) -> Language:
    """Return the language a page speaks to whoever wishes one."""
    return wish if template in PERSONS and not at_work else language_of_work(wish)

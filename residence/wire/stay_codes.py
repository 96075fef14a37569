"""The code on a slip that opens the page of one stay: twelve letters of its holder's own, beside the receipt's code that anybody may see.

- A kiosk has no network to ask for a secret, and needs none: the code follows from the 16 random bytes its sealed statement begins with. They
  travel in the seal and lie sealed at the authority, so the two work out the same code and nobody else can; no kiosk keeps it.
- A desk's code follows from a secret of the authority, the statement and a number that grows with each code that is issued (``registry/vault.py``).
- Sixty bits, good for one use at a server that counts (ADR 120). Reading tolerates what a receipt's code tolerates.

>>> code_of(bytes(16))
'RE29-ZTQ1-PV06'
"""

from __future__ import annotations

import hmac
from typing import Final

from residence.errors import Malformed
from residence.wire.receipts import grouped_letters, parse_receipt_code

SEED_BYTES: Final = 16
_USE: Final = b"luutru stay code 1"


def code_of(seed: bytes) -> str:
    """Return the code of a seed of 16 bytes, grouped ``XXXX-XXXX-XXXX``."""
    return grouped_letters(hmac.digest(seed, _USE, "sha256"))


def is_code_of(seed: bytes, typed: str) -> bool:
    """Tell whether what was typed is the code of a seed, in a time that does not depend on where it differs."""
    try:
        letters = parse_receipt_code(typed)
    except Malformed:
        letters = ""
    return hmac.compare_digest(letters.encode(), code_of(seed).encode())

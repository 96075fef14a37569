"""The page that checks receipts and proofs without a network: one file with the authority's public keys in it, to be kept and passed on.

- It loads nothing and sends nothing: its own content policy allows its one script and its one style by their digests and no connection.
- It believes the keys it was made with; whoever hands it out says so by where it comes from, as with a keyring file.
- The signature is checked with noble-ed25519, strictly (RFC 8032), before anything that stands in the text is shown as true.
- Both languages stand on it, Vietnamese first.

Example: ``offline_page(keyring, made_at=now, vendor=settings.static / "vendor")``
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from residence.clock import rfc3339
from residence.errors import Refused
from residence.wire.keyring import Keyring
from server.languages import LANGUAGES
from server.wording import WORDS, word

NOBLE: Final = Path("noble-ed25519") / "index.js"
KINDS: Final = ("state", "rule", "evidence", "declarant")


def offline_page(keyring: Keyring, *, made_at: datetime, vendor: Path) -> str:
    """Return the page as HTML, or raise ``Refused("server.no_receipt_keys")`` when there is no key to check with."""
    keys = [each for each in keyring.entries if each.use == "receipt"]
    if not keys:
        raise Refused("server.no_receipt_keys")
    trust = {"made_at": rfc3339(made_at), "keys": msgspec.to_builtins(keys), "words": _words()}
    # "</" cannot stand inside a script; in JSON it may be written otherwise
    data = msgspec.json.encode(trust).decode().replace("</", "<\\/")
    # in a block of its own: the library's names and ours do not meet
    script = "\n".join(((vendor / NOBLE).read_text("utf-8"), "{", f"const TRUST = {data};", _part("offline.js"), "}"))
    style = _part("offline.css")
    page = _part("offline.html")
    for name, text in (
        ("SCRIPT-DIGEST", _digest(script)),
        ("STYLE-DIGEST", _digest(style)),
        ("STYLE", style),
        ("SCRIPT", script),
    ):
        page = page.replace(f"@@{name}@@", text, 1)
    return page


def _words() -> dict[str, dict[str, dict[str, str]]]:
    """Return kind of word -> code word -> language -> sentence, so that the page says what our pages say."""
    return {
        kind: {name: {language: word(kind, name, language=language) for language in LANGUAGES} for name in WORDS[kind]}
        for kind in KINDS
    }


@cache
def _part(name: str) -> str:
    return resources.files("server").joinpath("residents", "offline", name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"

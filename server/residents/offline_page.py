"""The page that checks receipts, proofs of stays, answers and proofs of looks without a network: one file with the public keys in it, to be kept.

- It loads nothing and sends nothing: its own content policy allows its one script and its one style by their digests and no connection.
- It believes the keys it was made with; whoever hands it out says so by where it comes from, as with a keyring file.
- A proof of a look is checked up to the root the log signed, by the script the page of who looked uses (``static/log_proof.js``); with witnesses
  named, one of them must have signed it, too.
- A receipt or proof of a stay names its place in the log of statements; the proof of it, below the text, is checked by the same script.
- The signature is checked with noble-ed25519, strictly (RFC 8032), before anything that stands in the text is shown as true.
- With ``camera`` it also reads the code from the device's camera or a photo, with a reader that stands in it (zxing as WebAssembly, a megabyte and
  more); that page may compile WebAssembly, and still loads and sends nothing.
- Vietnamese stands on it first, and beside it English or one of the other four: what the browser wishes, or a button (``offline/words.toml``).

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

READER: Final = Path("zxing-wasm") / "reader.js"
WASM: Final = Path("zxing-wasm") / "zxing_reader.wasm"
NOBLE: Final = Path("noble-ed25519") / "index.js"
KINDS: Final = (
    "state",
    "rule",
    "evidence",
    "declarant",
    "role",
    "purpose",
    "field",
    "fault",
    "dispute",
    "deleted",
    "deletion_kept",
    "procedure",
    "procedure_step",
)
LogKeys = tuple[str, tuple[str, ...]]  # the log's, its witnesses', each as one line


def offline_page(
    keyring: Keyring,
    *,
    made_at: datetime,
    vendor: Path,
    log: LogKeys | None = None,
    statements: LogKeys | None = None,
    camera: bool = False,
) -> str:
    """Return the page as HTML, or raise ``Refused("server.no_receipt_keys")`` when there is no key to check with.

    ``log``: the keys by which proofs of looks are believed, ``statements`` those for places of statements, None for none; ``camera``: it can read the code by itself.
    """
    keys = [each for each in keyring.entries if each.use == "receipt"]
    if not keys:
        raise Refused("server.no_receipt_keys")
    trust = {
        "made_at": rfc3339(made_at),
        "keys": msgspec.to_builtins(keys),
        "words": _words(),
        "said": beside_words(),
        "log": {"key": log[0], "witnesses": log[1]} if log else None,
        "statements": {"key": statements[0], "witnesses": statements[1]} if statements else None,
    }
    # "</" cannot stand inside a script; in JSON it may be written otherwise
    data = msgspec.json.encode(trust).decode().replace("</", "<\\/")
    # in a block of its own: the library's names and ours do not meet
    script = "\n".join(
        (
            (vendor / NOBLE).read_text("utf-8"),
            "{",
            f"const TRUST = {data};",
            _look_script(),
            _part("offline.js"),
            *(_camera_script(vendor) if camera else ()),
            "}",
        )
    )
    style = _part("offline.css")
    page = _part("offline.html")
    for name, text in (
        ("MAY-COMPILE", " 'wasm-unsafe-eval'" if camera else ""),
        ("CAMERA", _part("camera.html") if camera else ""),
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
def beside_words() -> dict[str, dict[str, str]]:
    """Return the page's own English words -> language -> word."""
    text = resources.files("server").joinpath("residents", "offline", "words.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, dict[str, str]])


def _camera_script(vendor: Path) -> tuple[str, ...]:
    """Return the reader with its WebAssembly, and what shows it the camera."""
    wasm = b64encode((vendor / WASM).read_bytes()).decode()
    return (vendor / READER).read_text("utf-8"), f'const WASM = "{wasm}";', _part("camera.js")


@cache
def _look_script() -> str:
    """Return the script that checks proofs of looks, in a scope of its own: its names and the page's do not meet."""
    text = resources.files("server").joinpath("static", "log_proof.js").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("import ")]
    script = "\n".join(line.removeprefix("export ") for line in lines)
    names = "verifyLook, isStatementProof, statementEntry, verifyStatement"
    return f"const {{ {names} }} = (() => {{\n{script}\nreturn {{ {names} }};\n}})();"


@cache
def _part(name: str) -> str:
    return resources.files("server").joinpath("residents", "offline", name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"

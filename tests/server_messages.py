"""Every sentence the pages can show: from the templates, and from the tables of words."""

from __future__ import annotations

from pathlib import Path

from jinja2.ext import babel_extract

from server.wording import WORDS

SERVER = Path(__file__).parent.parent / "server"


def message_ids() -> set[str]:
    found = {text for words in WORDS.values() for text in words.values()}
    for template in sorted(SERVER.rglob("*.html")):
        with template.open("rb") as file:
            found |= {
                _text(message) for _, _, message, _ in babel_extract(file, ["_", "gettext"], [], {"extensions": "jinja2.ext.do"})
            }
    return found


def _text(message) -> str:
    return next(part for part in message if part) if isinstance(message, tuple) else message

"""The words of a district's screens as they are signed: every text of a language, by key.

- One document for all kiosks of a district. ``share`` says how many of a hundred take it; the others keep what they have, so a rollout goes by
  stages without a document for each kiosk. Its name says nothing of the share: who has it does not take it again.
- A language is whole or it is not there. What is not there is said in the words of the image.
- Here is only the form; whether a text may stand on a screen is judged where its built-in text is known (``edge_agent/kiosk/words.py``).

>>> read_words(write_words({"vi": {"done": ("Xong",)}}, release="2026-12", share=5)).words["vi"]["done"]
('Xong',)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from firmware_config.signed.document import Release
from residence.errors import Malformed

SCHEMA: Final = 1
LARGEST: Final = 1024 * 1024
MALFORMED: Final = "words.malformed"
Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}\Z")]
Key = Annotated[str, msgspec.Meta(pattern=r"^[a-z][A-Za-z0-9._-]{0,95}\Z")]
Forms = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=2000)], ...], msgspec.Meta(min_length=1, max_length=6)]
Words = Mapping[str, Mapping[str, tuple[str, ...]]]


class WordsDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a district's screens say, from one release on."""

    schema: int
    release: Release
    share: Annotated[int, msgspec.Meta(ge=1, le=100)]
    words: dict[Language, dict[Key, Forms]]  # language -> key -> the forms of its text, as many as the language counts with

    @property
    def name(self) -> str:
        """Return what kiosks and operators call these words: the release and the beginning of their hash."""
        return f"{self.release}-{hashlib.sha256(msgspec.json.encode(self.words, order='deterministic')).hexdigest()[:12]}"


def write_words(words: Words, *, release: str, share: int) -> bytes:
    """Return the document, the same bytes for the same words, or raise ``Malformed("words.malformed")``."""
    said = {language: dict(texts) for language, texts in words.items()}
    data = msgspec.json.encode(WordsDocument(schema=SCHEMA, release=release, share=share, words=said), order="deterministic")
    read_words(data)
    return data


def read_words(data: bytes) -> WordsDocument:
    """Return the document, or raise ``Malformed("words.malformed")``."""
    if len(data) > LARGEST:
        raise Malformed(MALFORMED, "", f"{len(data)} bytes, and at most {LARGEST} travel")
    try:
        document = msgspec.json.decode(data, type=WordsDocument)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(MALFORMED, "", str(error)) from error
    if document.schema != SCHEMA:
        raise Malformed(MALFORMED, "/schema", f"schema {document.schema}, and this kiosk knows {SCHEMA}")
    return document

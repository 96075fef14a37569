"""What is known of a chip reader that speaks lines of text on a serial line: its command, its words, the names of its fields.

- A model is a TOML file in ``firmware_config/text_readers/``; an installer may give a file of their own where a reader differs.
- What a source shows stands at the top of the file; what none says is in ``[unknown]``, and can only be found out at the reader.
- The rate of the line is in no source: the kiosk's profile must name it.

Example: ``load_text_reader("hn212").command``
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from residence.errors import Malformed
from residence.errors.setting_files import names_in, read_toml, setting_refusal

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
_Word = Annotated[str, msgspec.Meta(pattern=r"^[!-~]([ -~]{0,60}[!-~])?$")]
_Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=60_000)]
_COMMAND = r"^(?=.*\{number\})(?=.*\{birth\})(?=.*\{expiry\})([ -z|~]|\{(number|birth|expiry)\}){1,200}$"
_SHIPPED = "text_readers"


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a model file; a key it does not know is an error."""


class Keys(_Table, frozen=True, kw_only=True):
    """What the reader calls a person's fields."""

    personal_number: _Word
    full_name: _Word
    birth: _Word
    sex: _Word
    expiry: _Word


class Block(_Table, frozen=True, kw_only=True):
    """A group of the chip as lines of base64 between two marks."""

    group: Annotated[str, msgspec.Meta(pattern=r"^DG[1-9][0-9]?$")]
    start: _Word
    end: _Word


class Unknown(_Table, frozen=True, kw_only=True):
    """What no source says."""

    line_end: Literal["\r\n", "\n", "\r"] = "\r\n"
    command_when: Literal["at-once", "card"] = "at-once"
    ping_every_ms: _Milliseconds = 0
    quiet_ms: Annotated[int, msgspec.Meta(ge=20, le=10_000)] = 400


class TextReaderModel(_Table, frozen=True, kw_only=True):
    """One kind of reader."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,40}$")]
    about: _Text
    sources: tuple[_Text, ...]
    command: Annotated[str, msgspec.Meta(pattern=_COMMAND)]
    detected: tuple[_Word, ...]
    finished: Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1)]
    failed: Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1)]
    removed: tuple[_Word, ...]
    ping: _Word
    pong: _Word
    keys: Keys
    blocks: tuple[Block, ...] = ()
    unknown: Unknown = Unknown()


def load_text_reader(name: str, *, folder: Path = Path()) -> TextReaderModel:
    """Return a shipped model by name, or one from a TOML file (a path, relative to ``folder``)."""
    shipped = resources.files("firmware_config").joinpath(_SHIPPED)
    known = sorted(each.name.removesuffix(".toml") for each in shipped.iterdir() if each.name.endswith(".toml"))
    try:
        if name in known:
            return parse_text_reader(shipped.joinpath(f"{name}.toml").read_bytes())
        return parse_text_reader((folder / name).read_bytes())
    except OSError as error:
        raise Malformed("scanner.model_unknown", "/chip/model", f"{name}: known are {', '.join(known)}, or a file") from error


def parse_text_reader(data: bytes) -> TextReaderModel:
    """Read a model file, or raise ``Malformed("scanner-model.*")`` with a pointer to the setting."""
    try:
        return msgspec.convert(read_toml(data, area="scanner-model"), TextReaderModel)
    except msgspec.ValidationError as error:
        raise setting_refusal(str(error), area="scanner-model", known=names_in(TextReaderModel)) from error

r"""The file that says by what a house is alarmed before it is late: ``alarms.toml``. Where each channel leads is a secret in a file of its own.

- A channel's file holds one URL of Apprise (docs/messages.md), mode 600, read each time something is sent: it may be changed while a gateway runs.
- Outside this machine only what is sealed on the way is spoken; and nothing that only shows on this machine's own screen or log.
- An unknown key is refused with the nearest known name.

Example: ``parse_alarms(b'pages = "https://lt.example.org"\n[[channel]]\npremises_id = "htl-1"\nname = "reception"\nurl_file = "r.url"').channel[0].language``
"""

from __future__ import annotations

import stat
from collections import Counter
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec

from registry.alarm_channels import MOST, MOST_OF_ALL
from residence.errors import Malformed, Refused
from residence.errors.setting_files import names_in, read_toml, setting_refusal

AREA: Final = "alarm"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
LONGEST_URL: Final = 2048
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class ChannelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One channel of one house. ``name``: what the house knows it by; shown on its pages."""

    premises_id: Short
    name: Short
    url_file: str  # relative to this file
    language: Literal["vi", "en"] = "vi"


class AlarmSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    pages: str
    channel: Annotated[tuple[ChannelSettings, ...], msgspec.Meta(max_length=MOST_OF_ALL)] = ()
    answer_seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 10
    folder: Path = Path()  # where the file is; no setting

    def find(self, premises_id: str, name: str) -> ChannelSettings | None:
        """Return a channel of this file."""
        return next((each for each in self.channel if (each.premises_id, each.name) == (premises_id, name)), None)

    def url(self, channel: ChannelSettings) -> str:
        """Return where a channel leads, or raise ``Refused("alarm.secret_missing")``; the URL is in no error."""
        path = self.folder / channel.url_file
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise Refused("alarm.secret_missing", detail=f"others may read {path}: chmod 600")
            url = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Refused("alarm.secret_missing", detail=f"{path}: {type(error).__name__}") from None
        if not url or len(url) > LONGEST_URL or len(url.split()) != 1:
            raise Refused("alarm.secret_missing", detail=f"{path} does not hold one URL")
        return url


def parse_alarms(data: bytes, *, folder: Path = Path()) -> AlarmSettings:
    """Read the file, or raise ``Malformed("alarm.*")`` with a pointer, ``Refused("alarm.not_sealed")`` for pages that would be read open."""
    table = read_toml(data, area=AREA)
    try:
        settings = msgspec.structs.replace(msgspec.convert(table, AlarmSettings), folder=folder)
    except msgspec.ValidationError as error:
        raise setting_refusal(str(error), area=AREA, known=names_in(AlarmSettings)) from error
    pages = urlsplit(settings.pages)
    if pages.scheme not in {"https", "http"} or not pages.hostname or pages.query or pages.fragment:
        raise Malformed("alarm.invalid_setting", "/pages", settings.pages)
    if pages.scheme == "http" and pages.hostname not in LOOPBACK:
        raise Refused("alarm.not_sealed", "/pages", settings.pages)
    named = [(each.premises_id, each.name) for each in settings.channel]
    twice = next((place for place, each in enumerate(named) if each in named[:place]), None)
    if twice is not None:
        raise Malformed("alarm.invalid_setting", f"/channel/{twice}/name", "this house has a channel of that name")
    house, many = next(iter(Counter(each.premises_id for each in settings.channel).most_common(1)), ("", 0))
    if many > MOST:
        raise Malformed("alarm.invalid_setting", "/channel", f"{house} has more than {MOST} channels")
    return settings


def read_alarms(path: Path) -> AlarmSettings:
    """Read the file at a path."""
    return parse_alarms(path.read_bytes(), folder=path.parent)

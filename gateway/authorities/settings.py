r"""The file that says which authorities are told, where they are, and how their open questions are answered: ``authorities.toml``.

- No address has a default: an authority that is not named in the file is told nothing.
- Outside this machine only https is spoken, and only with a contract's reference written down (Law 91/2025: a contract before data flows).
- An unknown key is refused with the nearest known name. Secrets are never in it (``secrets.py``).

Example: ``parse_settings(b'[kbtt]\nbase = "http://127.0.0.1:8791"').kbtt.sexes``
"""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec

from gateway.authorities.lines import Patience
from residence.errors import Refused
from residence.errors.setting_files import names_in, read_toml, setting_refusal

AREA: Final = "authorities"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
Seconds = Annotated[float, msgspec.Meta(gt=0, le=600)]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; a key it does not know is an error."""


class KbttPaths(_Section, frozen=True, kw_only=True):
    """Where things are. What the document does not print in full is empty until somebody knows it."""

    token: str = "/authorization-service/oauth/token"  # noqa: S105 - a path
    refresh: str = "/authorization-service/oauth/refresh-token"
    revoke: str = "/authorization-service/oauth/revoke"
    declare: str = "/client-service/kbtt-vn/kbtt-3th"
    declare_foreigner: str = "/client-service/kbtt/kbtt-3th"
    change: str = ""
    change_foreigner: str = ""
    provinces: str = "/cms-backend/public/dm-tinh-tp/get-all"
    wards: str = ""
    nationalities: str = ""
    reasons: str = ""
    documents: str = ""
    residences: str = ""


class PortalSettings(_Section, frozen=True, kw_only=True):
    """The portal's import files."""

    dates: Literal["day-first", "iso"] = "day-first"  # in the XML; not stated
    labels: str = ""  # file of the template's own words, relative to this one; empty: the built-in ones


class KbttSettings(_Section, frozen=True, kw_only=True):
    """The ministry's declaration API. Every choice answers a point its document leaves open (docs/authorities.md)."""

    base: str
    contract: str = ""
    secrets: str = "secrets"  # folder, relative to the file
    sexes: Literal["letters", "words"] = "letters"
    permitted_form: Literal["moment", "day"] = "moment"
    partial_birth: Literal["other-channel", "first-day"] = "other-channel"  # Vietnamese guests known to the year or month only
    year_only_code: str = ""  # of a foreigner's birth date; empty: another channel
    change_as_array: bool = False
    departure_time: bool = False  # whether an early departure carries its time
    catalogue_code: str = "ma"  # of a catalogue's entry: its code, its label
    catalogue_label: str = "ten"
    catalogue_hours: Annotated[float, msgspec.Meta(gt=0, le=720)] = 24
    # a passport's code where it is not ISO 3166's
    country_codes: dict[str, str] = msgspec.field(default_factory=lambda: {"D": "DEU"})
    connect_seconds: Seconds = 5
    answer_seconds: Seconds = 30
    pause_seconds: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.5  # between two sendings: polite pacing
    paths: KbttPaths = KbttPaths()
    portal: PortalSettings = PortalSettings()
    patience: Patience = Patience()


class TokenAddress(_Section, frozen=True, kw_only=True):
    """An authority that is spoken to with a token from a file. The contracts are ours."""

    base: str
    contract: str = ""
    token: str  # a file, relative to this one, mode 600
    connect_seconds: Seconds = 5
    answer_seconds: Seconds = 30
    pause_seconds: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.5
    patience: Patience = Patience()


class PortalAddress(TokenAddress, frozen=True, kw_only=True):
    """The public service portal, for files of procedures (docs/portal.md)."""

    token: str = "secrets/portal.token"  # noqa: S105 - a file
    ask_minutes: Annotated[float, msgspec.Meta(gt=0, le=10_080)] = 30  # how often a file that is there is asked about


class PopulationAddress(TokenAddress, frozen=True, kw_only=True):
    """The population database, for what an officer lacks in a file (docs/population.md)."""

    token: str = "secrets/population.token"  # noqa: S105 - a file


class AuthoritySettings(_Section, frozen=True, kw_only=True):
    """The file."""

    kbtt: KbttSettings | None = None
    portal: PortalAddress | None = None
    population: PopulationAddress | None = None


def parse_settings(data: bytes) -> AuthoritySettings:
    """Read the file, or raise ``Malformed("authorities.*")`` with a pointer, ``Refused`` for an address that must not be used."""
    table = read_toml(data, area=AREA)
    try:
        settings = msgspec.convert(table, AuthoritySettings)
    except msgspec.ValidationError as error:
        raise setting_refusal(str(error), area=AREA, known=names_in(AuthoritySettings)) from error
    if settings.kbtt is not None:
        check_address(settings.kbtt.base, contract=settings.kbtt.contract)
    for name, each in (("portal", settings.portal), ("population", settings.population)):
        if each is not None:
            check_address(each.base, contract=each.contract, table=name)
    return settings


def check_address(base: str, *, contract: str, table: str = "kbtt") -> None:
    """Refuse an address that is neither this machine's nor https under a contract."""
    address = urlsplit(base)
    if address.scheme == "http" and address.hostname in LOOPBACK:
        return
    if address.scheme != "https" or not address.hostname:
        raise Refused("authorities.not_https", f"/{table}/base", "only https, or http on this machine")
    if not contract.strip():
        raise Refused(
            "authorities.contract_missing", f"/{table}/contract", "write down the contract under which data flows there"
        )

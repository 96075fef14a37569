"""The file that says which property speaks for which premises, and where: ``pms.toml``.

- Outside this machine only https is spoken. Secrets are never in it: each is a file of its own in the folder ``secrets``, readable by this
  account alone, read when it is needed.
- What a product's documents leave to each hotel is a setting: its words for documents and rooms, where a nationality stands, the clock of its dates.
- An unknown key is refused with the nearest known name.

Example: ``parse_settings(path.read_bytes()).property[0].premises_id``
"""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec

from residence.errors import Refused
from residence.errors.setting_files import names_in, read_toml, setting_refusal
from residence.people.person import DocumentKind
from residence.stays.declaration import Reason

AREA: Final = "pms"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
Vendor = Literal["mews", "cloudbeds", "ohip"]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; a key it does not know is an error."""


class MewsSettings(_Section, frozen=True, kw_only=True):
    """Mews. ``services``: ids of the services that are stays; empty for all the token sees."""

    client: str = "Luutru 1.0"
    services: tuple[str, ...] = ()


class CloudbedsSettings(_Section, frozen=True, kw_only=True):
    """Cloudbeds. ``nationality``: the guest's field it stands in, ``custom:NAME`` for a custom one; empty when nowhere."""

    property_id: str
    nationality: str = ""
    clock: Literal["property", "utc"] = "property"  # of its date-times


class OhipSettings(_Section, frozen=True, kw_only=True):
    """Oracle OHIP. ``scope``, ``enterprise_id``: of an environment with client credentials; left out, the integration user's password is used.

    The paths are within a profile's answer, parts separated by ``/``.
    """

    hotel_id: str
    scope: str = ""
    enterprise_id: str = ""
    profile_parts: tuple[str, ...] = ("Profile", "Identifications")
    birth: str = "profileDetails/customer/birthDate"
    sex: str = "profileDetails/customer/gender"
    nationality: str = "profileDetails/customer/nationality"
    identifications: str = "profileDetails/customer/identifications/identificationInfo"


class PropertySettings(_Section, frozen=True, kw_only=True):
    """One property. ``documents``: its words for kinds of documents; ``rooms``: its names of rooms where ours differ."""

    premises_id: str
    vendor: Vendor
    base: str
    secrets: str
    every_seconds: Annotated[float, msgspec.Meta(ge=5, le=3600)] = 60
    calls_per_second: Annotated[float, msgspec.Meta(gt=0, le=50)] = 4
    purpose_of_stay: Reason | None = None  # where the system keeps none
    check_in_hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 14
    documents: dict[str, DocumentKind] = {}
    rooms: dict[str, str] = {}
    mews: MewsSettings = MewsSettings()
    cloudbeds: CloudbedsSettings | None = None
    ohip: OhipSettings | None = None

    @property
    def source(self) -> str:
        """Return what names this property in events."""
        return f"pms:{self.vendor}:{self.premises_id}"


class ServerSettings(_Section, frozen=True, kw_only=True):
    """Whom to tell. ``secrets``: file with the program's id and secret."""

    address: str
    secrets: str = "luutru"


class BridgeSettings(_Section, frozen=True, kw_only=True):
    """The file. ``secrets`` and ``state``: folders, relative to it."""

    server: ServerSettings
    property: tuple[PropertySettings, ...]
    secrets: str = "secrets"
    state: str = "state"


def parse_settings(data: bytes) -> BridgeSettings:
    """Read the file, or raise ``Malformed("pms.*")`` with a pointer, ``Refused`` for an address that must not be used."""
    table = read_toml(data, area=AREA)
    try:
        settings = msgspec.convert(table, BridgeSettings)
    except msgspec.ValidationError as error:
        raise setting_refusal(str(error), area=AREA, known=names_in(BridgeSettings)) from error
    check_address(settings.server.address, "/server/address")
    seen: set[str] = set()
    for place, each in enumerate(settings.property):
        check_address(each.base, f"/property/{place}/base")
        if each.vendor != "mews" and getattr(each, each.vendor) is None:
            raise Refused("pms.property_incomplete", f"/property/{place}/{each.vendor}")
        if each.premises_id in seen:
            raise Refused("pms.property_twice", f"/property/{place}/premises_id")
        seen.add(each.premises_id)
    return settings


def check_address(address: str, pointer: str) -> None:
    """Refuse an address that is neither this machine's nor https."""
    parts = urlsplit(address)
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return
    if parts.scheme != "https" or not parts.hostname or parts.username:
        raise Refused("pms.not_https", pointer, "only https, or http on this machine")


def read_secret(folder: Path, name: str, *needed: str) -> dict[str, str]:
    """Return the texts of one file of secrets, or raise ``Refused("pms.secrets_*")``."""
    path = folder / f"{name}.toml"
    if path.parent != folder or path.name != f"{name}.toml":
        raise Refused("pms.secrets_missing", detail="a secret's name is no path")
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Refused("pms.secrets_open", detail=f"others may read {path}: chmod 600")
        found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), dict[str, str])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Refused("pms.secrets_missing", detail=f"{path}: {type(error).__name__}") from None  # its text may quote the file
    missing = [each for each in needed if not found.get(each)]
    if missing:
        raise Refused("pms.secrets_missing", detail=f"{path} has no {', '.join(missing)}")
    return found

r"""The file that says how messages leave: ``mail.toml``. Without it none does; they wait in the outbox.

- TLS, but to a server on this machine. The password is in a file of its own that nobody else may read, looked at each time one logs in.
- ``pages`` is the address of the web pages, for links.
- An unknown key is refused with the nearest known name.

Example: ``parse_mail(b'server = "127.0.0.1"\nsecurity = "none"\nsender = "lt@example.org"\npages = "https://lt.example.org"').port``
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec

from residence.cases.messages import check_address
from residence.errors import Malformed, Refused
from residence.errors.setting_files import names_in, read_toml, setting_refusal

AREA: Final = "mail"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
PORTS: Final = {"tls": 465, "starttls": 587, "none": 25}


class MailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file."""

    server: str
    sender: str
    pages: str
    security: Literal["tls", "starttls", "none"] = "starttls"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0  # 0: the usual one
    username: str = ""
    password_file: str = ""  # relative to this file
    ca: str = ""  # certificates to trust instead of the system's, relative to this file
    answer_seconds: Annotated[float, msgspec.Meta(gt=0, le=120)] = 15
    at_once: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100  # messages in one go
    folder: Path = Path()  # where the file is; no setting

    @property
    def sends_to(self) -> tuple[str, int]:
        """Return host and port."""
        return self.server, self.port or PORTS[self.security]

    def password(self) -> str:
        """Return the password, or raise ``Refused("mail.password_missing")``."""
        path = self.folder / self.password_file
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise Refused("mail.password_missing", detail=f"others may read {path}: chmod 600")
            return path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Refused("mail.password_missing", detail=f"{path}: {type(error).__name__}") from None


def parse_mail(data: bytes, *, folder: Path = Path()) -> MailSettings:
    """Read the file, or raise ``Malformed("mail.*")`` with a pointer, ``Refused("mail.not_sealed")`` for what would travel open."""
    table = read_toml(data, area=AREA)
    try:
        settings = msgspec.structs.replace(msgspec.convert(table, MailSettings), folder=folder)
    except msgspec.ValidationError as error:
        raise setting_refusal(str(error), area=AREA, known=names_in(MailSettings)) from error
    if settings.security == "none" and settings.server not in LOOPBACK:
        raise Refused("mail.not_sealed", "/security", settings.server)
    pages = urlsplit(settings.pages)
    if pages.scheme not in {"https", "http"} or not pages.hostname or pages.query or pages.fragment:
        raise Malformed("mail.invalid_setting", "/pages", settings.pages)
    if pages.scheme == "http" and pages.hostname not in LOOPBACK:
        raise Refused("mail.not_sealed", "/pages", "a link proves who was written to: https, but on this machine")
    try:
        check_address(settings.sender)
    except Malformed as error:
        raise Malformed("mail.invalid_setting", "/sender", settings.sender) from error
    return settings


def read_mail(path: Path) -> MailSettings:
    """Read the file at a path."""
    return parse_mail(path.read_bytes(), folder=path.parent)

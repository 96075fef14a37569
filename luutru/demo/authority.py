"""The demo's other authority: the played KBTT on a port of this machine, the file that leads there, and the hotel bound to it.

- The same file, folder of secrets and binding as in earnest (docs/authorities.md); only the credentials are the sandbox's, which everybody knows.
- The hotel alone is bound: the block's stays show what "told to nobody" looks like.

Example: ``write_authority(layout)``, then ``luutru authority run --settings <directory>/authority/authorities.toml``
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from luutru.demo.layout import Layout
from luutru.sandbox.kbtt_behaviour import CLIENT, FACILITIES
from registry.authority_links import Binding, bind

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

BOUND: Final = {"htl-sao-mai": "sao-mai"}  # premises -> facility of the sandbox
_FILE: Final = """\
# Written by luutru demo: the ministry's API as luutru sandbox kbtt plays it on this machine.
[kbtt]
base = "http://127.0.0.1:{port}"

[kbtt.paths]
change = "/client-service/kbtt-vn/kbtt-3th/doi-ngay-sandbox"
change_foreigner = "/client-service/kbtt/kbtt-3th/doi-ngay-sandbox"
nationalities = "/cms-backend/public/sandbox/quoc-tich"
reasons = "/cms-backend/public/sandbox/ly-do"
documents = "/cms-backend/public/sandbox/giay-to"
residences = "/cms-backend/public/sandbox/noi-cu-tru"
wards = "/cms-backend/public/sandbox/phuong-xa"
"""
_SECRETS: Final = """\
client_id = "{client}"
client_secret = "{secret}"
username = "{username}"
password = "{password}"
"""


def write_authority(layout: Layout) -> None:
    """Write the file of authorities and the sandbox's secrets of each facility that is bound."""
    secrets = layout.authority.parent / "secrets"
    secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout.authority.write_text(_FILE.format(port=layout.ports.kbtt), encoding="utf-8")
    for each in FACILITIES:
        if each.username in BOUND.values():
            text = _SECRETS.format(client=CLIENT[0], secret=CLIENT[1], username=each.username, password=each.password)
            path = secrets / f"{each.username}.toml"
            path.touch(mode=0o600)  # before there is anything to read in it
            path.write_text(text, encoding="utf-8")


def bind_houses(connection: Connection, *, now: datetime, random_bytes: Callable[[int], bytes]) -> None:
    """Bind the demo's houses."""
    for premises_id, facility in BOUND.items():
        binding = Binding(premises_id=premises_id, authority="kbtt", facility=facility)
        bind(connection, binding, now=now, random_bytes=random_bytes)

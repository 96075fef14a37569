"""Handing one alarm to one channel, by Apprise: text messages, pushes and e-mail of some hundred providers behind one kind of URL.

- A channel took it, or it did not: a provider's words are not kept, for they may hold its keys. Whether somebody read it is not known.
- Sealed on the way, but to this machine; a channel that would only show on this machine's own screen or log alarms nobody and is refused.
- Nothing of ours is tried again inside: the outbox tries again. No redirect is followed, nothing is stored, no picture is named.

Example: ``AlarmLine(answer_seconds=10).send("ntfys://ntfy.example.org/phong-truc", letter)`` gives None when it was taken
"""

from __future__ import annotations

import logging
import warnings
from typing import Final

from apprise import Apprise, AppriseAsset, NotifyBase, NotifyFormat, NotifyType

from gateway.alarm_settings import LOOPBACK
from residence.cases.messages import Letter

HERE_ALONE: Final = frozenset({"dbus", "qt", "kde", "glib", "gnome", "macosx", "windows", "syslog", "blink1"})


class AlarmLine:
    """Sends alarms; may be used by several threads."""

    def __init__(self, *, answer_seconds: float) -> None:
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it would write where a message goes
        with warnings.catch_warnings():  # loads every provider once; some of them import what a later Python leaves out
            warnings.simplefilter("ignore", DeprecationWarning)
            Apprise.instantiate("json://localhost")
        self._seconds: Final = answer_seconds
        self._asset: Final = AppriseAsset(
            app_id="Luutru",
            app_desc="Luutru",
            app_url="",
            image_url_mask="",
            image_url_logo="",
            async_mode=False,
            http_redirects=False,
        )

    def send(self, url: str, letter: Letter) -> str | None:
        """Hand over one alarm; returns None when it was taken, else ``alarm.url_unknown``, ``alarm.not_sealed`` or ``alarm.not_taken``."""
        channel = self._channel(url)
        if channel is None:
            return "alarm.url_unknown"
        if _open_on_the_way(channel, url):
            return "alarm.not_sealed"
        try:
            taken = channel.notify(
                title=letter.subject, body=letter.body, notify_type=NotifyType.WARNING, body_format=NotifyFormat.TEXT
            )
        except Exception:  # noqa: BLE001 - any of a hundred providers' code; what it says may hold a key
            taken = False
        return None if taken else "alarm.not_taken"

    def _channel(self, url: str) -> NotifyBase | None:
        schema = url.partition("://")[0].lower()
        if schema in HERE_ALONE:
            return None
        try:
            found = Apprise.instantiate(url, asset=self._asset)
        except Exception:  # noqa: BLE001 - as above
            return None
        if not isinstance(found, NotifyBase):
            return None
        found.socket_connect_timeout = found.socket_read_timeout = self._seconds
        return found


def _open_on_the_way(channel: NotifyBase, url: str) -> bool:
    """Tell whether a URL speaks the open one of a provider's two ways, to another machine."""
    schema = url.partition("://")[0].lower()
    plain, sealed = (_schemas(getattr(channel, each, None)) for each in ("protocol", "secure_protocol"))
    host = getattr(channel, "smtp_host", None) or getattr(channel, "host", None)
    return schema in plain and bool(sealed) and host not in LOOPBACK


def _schemas(said: object) -> frozenset[str]:
    if isinstance(said, str):
        return frozenset({said})
    return frozenset(map(str, said)) if isinstance(said, tuple | list | set | frozenset) else frozenset()

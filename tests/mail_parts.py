"""A real mail server on a free port: what it took, and what it is told to answer."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from server_parts import free_address

from gateway.mail_settings import MailSettings


class Mailbox:
    """What arrived; ``refuse`` answers the next recipients, one after the other, ``vanish`` breaks off after taking a text."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, object]] = []
        self.refuse: list[str] = []
        self.vanish = 0

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - the server's name for it
        if self.refuse:
            return self.refuse.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.taken.append((envelope.rcpt_tos[0], message_from_bytes(envelope.content, policy=policy.default)))
        if self.vanish:
            self.vanish -= 1
            server.transport.abort()
        return "250 OK"

    def bodies(self, to: str) -> list[str]:
        return [each.get_content() for address, each in self.taken if address == to]

    def link(self, to: str) -> str:
        return next(word for word in self.bodies(to)[-1].split() if "/n/" in word)


@contextmanager
def mail_server(*, tls: ssl.SSLContext | None = None, password: str | None = None):
    """Run the server until the block ends; yields the mailbox and settings that lead there."""
    mailbox = Mailbox()
    options = {} if password is None else {
        "authenticator": lambda _server, _session, _envelope, _mechanism, given: AuthResult(success=given.password == password.encode()),
        "auth_required": True,
    }  # fmt: skip
    port = int(free_address().rpartition(":")[2])
    controller = Controller(
        mailbox, hostname="127.0.0.1", port=port, tls_context=tls, require_starttls=tls is not None, **options
    )
    controller.start()
    try:
        yield mailbox, settings_of(port)
    finally:
        controller.stop()


def settings_of(port: int, **changes) -> MailSettings:
    """Return settings for a server on this machine."""
    told = {
        "server": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "luutru@example.org",
        "pages": "http://localhost:8300",
        "folder": Path(),
    }
    return MailSettings(**(told | changes))

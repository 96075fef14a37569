"""One connection to a mail server: opened when there is something to send, closed after it.

- What the server says about a message is an outcome; what keeps every message from going (no connection, no login) is raised, once.
- A refusal for good (5xx) is not tried again: the address is wrong. Anything else is.
- No address and no text is in a fault or a log.

Example: ``with MailLine(settings) as line: line.send(to="le-tan@example.org", letter=letter, message_id="0197...")``
"""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from types import TracebackType
from typing import Final, Self

from gateway.mail_settings import MailSettings
from residence.cases.messages import Letter
from residence.errors import Refused

FOR_GOOD: Final = 500


class MailLine:
    """The connection, as a context."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        """Connect and log in, or raise ``Refused("mail.unreachable" | "mail.login_refused")``."""
        try:
            self._smtp = self._connect()
            if self._settings.username:
                self._smtp.login(self._settings.username, self._settings.password())
        except smtplib.SMTPAuthenticationError:
            self._close()
            raise Refused("mail.login_refused") from None
        except (OSError, smtplib.SMTPException) as error:
            self._close()
            raise Refused("mail.unreachable", detail=type(error).__name__) from None
        except Refused:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Say goodbye; a server that is gone needs none."""
        self._close()

    def send(self, *, to: str, letter: Letter, message_id: str, at: datetime) -> str | None:
        """Hand over one message; returns None when the server took it, else the code of what it said.

        Raises ``Refused("mail.unreachable")`` when the connection breaks: whether this message went is then not known.
        """
        if self._smtp is None:
            raise Refused("mail.unreachable")
        try:
            self._smtp.send_message(self._written(to, letter, message_id=message_id, at=at))
        except smtplib.SMTPRecipientsRefused as error:
            return _code(max(code for code, _ in error.recipients.values()))
        except smtplib.SMTPResponseException as error:
            return _code(error.smtp_code)
        except (OSError, smtplib.SMTPException) as error:
            raise Refused("mail.unreachable", detail=type(error).__name__) from None
        return None

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        host, port = settings.sends_to
        if settings.security == "none":
            return smtplib.SMTP(host, port, timeout=settings.answer_seconds)
        context = ssl.create_default_context(cafile=str(settings.folder / settings.ca) if settings.ca else None)
        if settings.security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=settings.answer_seconds, context=context)
        smtp = smtplib.SMTP(host, port, timeout=settings.answer_seconds)
        try:
            smtp.starttls(context=context)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()

    def _written(self, to: str, letter: Letter, *, message_id: str, at: datetime) -> EmailMessage:
        written = EmailMessage()
        written["From"] = self._settings.sender
        written["To"] = to
        written["Subject"] = letter.subject
        written["Date"] = format_datetime(at)
        # The same whenever it is sent again, so that a mailbox can tell.
        written["Message-ID"] = f"<{message_id}@{self._settings.sender.partition('@')[2]}>"
        written["Auto-Submitted"] = "auto-generated"
        written.set_content(letter.body)
        return written


def _code(answered: int) -> str:
    return "mail.refused" if answered >= FOR_GOOD else "mail.refused_for_now"

"""``luutru gateway messages``: send what the outbox of messages holds, or say how many wait.

- The running gateway does the same every minute when it is given ``--mail``; this is for a timer in its place, and for trying the settings out.
- Neither an address nor a text is ever printed.

Example: ``luutru gateway messages --mail mail.toml --json``
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from luutru.commands.gateway_keys import DEFAULT_REGISTRY, JsonOption, RegistryOption, VaultOption
from luutru.commands.registry_answers import answering, opened

if TYPE_CHECKING:
    from gateway.mail_settings import MailSettings

MailOption = Annotated[
    Path | None,
    typer.Option(
        "--mail", envvar="LUUTRU_MAIL", help="How messages leave: a TOML file (docs/messages.md); none leaves if not given."
    ),
]


def mail_of(path: Path | None) -> MailSettings | None:
    """Return the settings a ``--mail`` option names, or end the command as wrongly used, naming what is wrong."""
    from gateway.mail_settings import read_mail
    from residence.errors import LuutruError

    try:
        return read_mail(path) if path else None
    except (LuutruError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="--mail") from error


def send_messages(
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    mail: MailOption = None,
    json: JsonOption = False,
) -> None:
    """Send the notices that are due by e-mail, once each; without --mail only say how they stand.

    Example: luutru gateway messages --mail mail.toml
    """
    from gateway.mailing import send_due
    from luutru.logs import configure_logs
    from luutru.system import system_clock
    from registry.messages import counts

    settings = mail_of(mail)
    configure_logs()
    with answering(json=json) as answer, opened(registry, vault) as known:
        clock = system_clock()
        if settings is not None:
            mailed = send_due(known, settings=settings, clock=clock)
            answer["done"] = mailed.by_state
            if mailed.trouble is not None:
                answer |= {"ok": False, "problems": [mailed.trouble]}
        with known.reading() as connection:
            answer["of_30_days"] = counts(connection, since=clock.now() - timedelta(days=30))

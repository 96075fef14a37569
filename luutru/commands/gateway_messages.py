"""``luutru gateway messages``: send what the outbox of messages holds, or say how many wait.

- The running gateway does the same by itself when it is given ``--mail`` and ``--alarms``; this is for a timer in its place, and for trying the settings out.
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
    from gateway.alarm_settings import AlarmSettings
    from gateway.mail_settings import MailSettings
    from registry.database import Registry
    from residence.clock import Clock

MailOption = Annotated[
    Path | None,
    typer.Option(
        "--mail", envvar="LUUTRU_MAIL", help="How messages leave: a TOML file (docs/messages.md); none leaves if not given."
    ),
]
AlarmsOption = Annotated[
    Path | None,
    typer.Option(
        "--alarms",
        envvar="LUUTRU_ALARMS",
        help="By what houses are alarmed before it is late: a TOML file (docs/messages.md); by nothing if not given.",
    ),
]


def alarms_of(path: Path | None) -> AlarmSettings | None:
    """Return the settings an ``--alarms`` option names, or end the command as wrongly used, naming what is wrong."""
    from gateway.alarm_settings import read_alarms
    from residence.errors import LuutruError

    try:
        return read_alarms(path) if path else None
    except (LuutruError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="--alarms") from error


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
    alarms: AlarmsOption = None,
    json: JsonOption = False,
) -> None:
    """Send the notices that are due by e-mail and the alarms that are due by channels; without --mail and --alarms only say how they stand.

    Example: luutru gateway messages --mail mail.toml
    """
    from gateway.mailing import send_due
    from luutru.logs import configure_logs
    from luutru.system import system_clock
    from registry.messages import counts

    settings, channels = mail_of(mail), alarms_of(alarms)
    configure_logs()
    with answering(json=json) as answer, opened(registry, vault) as known:
        clock = system_clock()
        if settings is not None:
            mailed = send_due(known, settings=settings, clock=clock)
            answer["done"] = mailed.by_state
            if mailed.trouble is not None:
                answer |= {"ok": False, "problems": [mailed.trouble]}
        if channels is not None:
            answer["alarms"] = _alarmed(known, channels, clock=clock)
        with known.reading() as connection:
            answer["of_30_days"] = counts(connection, since=clock.now() - timedelta(days=30))


def _alarmed(registry: Registry, settings: AlarmSettings, *, clock: Clock) -> dict[str, object]:
    """Send the alarms that are due; returns how many by state, the houses the register does not know, and the channels that do not work."""
    from gateway.alarm_line import AlarmLine
    from gateway.alarms import keep_channels, raise_alarms
    from luutru.system import random_bytes
    from registry.alarm_channels import channels_of
    from residence.stays.rules import load_rule_book

    unknown = keep_channels(registry, settings, now=clock.now(), random_bytes=random_bytes)
    line = AlarmLine(answer_seconds=settings.answer_seconds)
    done = raise_alarms(registry, settings=settings, line=line, rules=load_rule_book(), clock=clock)
    with registry.reading() as connection:
        houses = sorted({each.premises_id for each in settings.channel})
        standing = [each for house in houses for each in channels_of(connection, house)]
    failing = [
        {"premises": each.premises_id, "channel": each.name, "code": each.fault} for each in standing if each.state == "fails"
    ]
    return {"done": done.by_state, "unknown": unknown, "failing": failing}

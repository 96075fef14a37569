"""``luutru gateway``: run it, sweep once, look at dead letters and try them again.

- Keys, kiosks, the live view and the night's work are in ``gateway_keys.py``, ``gateway_kiosks.py``, ``gateway_top.py`` and ``gateway_nightly.py``; messages in ``gateway_messages.py``.
- Settings are options or ``LUUTRU_*`` variables (docs/settings.md); every one has a default for one machine.
- ``sweep`` and ``dead-letters`` need the registry and its vault only, neither broker nor keys.
- A payload is never printed: it is sealed, and may hold a person.

Example: ``luutru gateway run --registry sqlite:////var/lib/luutru/registry.db``
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from luutru.chip_trust_option import ChipTrustOption
from luutru.choices import ChoicesOption, choices_of
from luutru.commands.broker_address import host_port
from luutru.commands.gateway_keys import app as keys_app
from luutru.commands.gateway_kiosks import app as kiosks_app
from luutru.commands.gateway_messages import AlarmsOption, MailOption, alarms_of, mail_of, send_messages
from luutru.commands.gateway_nightly import nightly
from luutru.commands.gateway_top import top
from luutru.logs import configure_logs
from luutru.retention import RetentionOption, policy_of
from residence.errors import LuutruError

if TYPE_CHECKING:
    from luutru.processes.gateway import GatewaySettings
    from registry.database import Registry
    from registry.quarantine import StoredLetter

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Run the gateway, its sweep, and look at its dead letters.")
letters_app = typer.Typer(no_args_is_help=True, add_completion=False, help="What came and could not be recorded.")
app.add_typer(letters_app, name="dead-letters")
app.add_typer(keys_app, name="keys")
app.add_typer(kiosks_app, name="kiosks")
app.command("top")(top)
app.command("nightly")(nightly)
app.command("messages")(send_messages)

RegistryOption = Annotated[
    str,
    typer.Option(
        "--registry", envvar="LUUTRU_REGISTRY", help="Address of the registry: sqlite:////path or postgresql+psycopg://..."
    ),
]
VaultOption = Annotated[
    Path, typer.Option("--vault", envvar="LUUTRU_VAULT", help="Directory with the keys of the registry's sealed fields.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
KeysOption = Annotated[
    Path, typer.Option(envvar="LUUTRU_KEYS", help="Directory with gateway-receipt*.key, gateway-seal*.key, keyring.key.")
]
TlsOption = Annotated[
    Path, typer.Option(envvar="LUUTRU_TLS", help="Directory with ca.pem and the gateway's certificate and key.")
]
BrokerOption = Annotated[str, typer.Option(envvar="LUUTRU_BROKER", help="The MQTT broker, as host:port (TLS).")]
NameOption = Annotated[
    str, typer.Option(envvar="LUUTRU_GATEWAY_NAME", help="Common name and file name of the gateway's certificate.")
]
ShardsOption = Annotated[
    str, typer.Option(envvar="LUUTRU_GATEWAY_SHARDS", help="Topic shards of this worker, e.g. 0-63 or 0-31,40.")
]
BatchOption = Annotated[
    int, typer.Option(envvar="LUUTRU_GATEWAY_BATCH", min=1, max=5000, help="Most declarations in one transaction.")
]
SweepOption = Annotated[
    float, typer.Option(envvar="LUUTRU_GATEWAY_SWEEP_SECONDS", min=0, help="Pause between sweeps; 0: another worker sweeps.")
]
NightOption = Annotated[
    int,
    typer.Option(
        envvar="LUUTRU_GATEWAY_NIGHT_HOUR",
        min=-1,
        max=23,
        help="From this hour on, Vietnam's time, what is due is deleted and the register looked after and counted, once a day; -1: another worker does.",
    ),
]
AheadOption = Annotated[
    int,
    typer.Option(
        envvar="LUUTRU_GATEWAY_CLOCK_AHEAD_MINUTES",
        min=1,
        help="A kiosk's confirmed clock farther ahead of ours cannot be right.",
    ),
]
BehindOption = Annotated[
    int,
    typer.Option(envvar="LUUTRU_GATEWAY_CLOCK_BEHIND_DAYS", min=1, help="The same for farther behind: later than any outbox is."),
]
AuthorityOption = Annotated[
    Path | None,
    typer.Option(
        envvar="LUUTRU_KIOSK_AUTHORITY",
        help="Folder of ca.pem and ca.key: this gateway makes kiosks' certificates (docs/provisioning.md).",
    ),
]
DEFAULT_REGISTRY = "sqlite:///registry.db"


@app.command("run")
def run_gateway(  # noqa: PLR0913 - one option per setting
    *,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    keys: KeysOption = Path("keys"),
    tls: TlsOption = Path("pki"),
    broker: BrokerOption = "127.0.0.1:8883",
    name: NameOption = "luutru-gateway",
    shards: ShardsOption = "0-63",
    batch: BatchOption = 500,
    sweep_seconds: SweepOption = 60.0,
    night_hour: NightOption = 2,
    clock_ahead_minutes: AheadOption = 60,
    clock_behind_days: BehindOption = 400,
    chip_trust: ChipTrustOption = None,
    choices: ChoicesOption = None,
    retention: RetentionOption = None,
    mail: MailOption = None,
    alarms: AlarmsOption = None,
    kiosk_authority: AuthorityOption = None,
) -> None:
    """Take declarations from the broker until asked to stop (SIGTERM or Ctrl-C).

    Example: luutru gateway run --broker 127.0.0.1:8883 --shards 0-31
    """
    from gateway.clock_claims import ClockBounds
    from luutru.processes.gateway import GatewaySettings

    settings = GatewaySettings(
        registry=registry,
        vault=vault,
        keys=keys,
        tls=tls,
        host=host_port(broker)[0],
        port=host_port(broker)[1],
        name=name,
        shards=parse_shards(shards),
        batch=batch,
        sweep_every=timedelta(seconds=sweep_seconds) if sweep_seconds else None,
        night_hour=None if night_hour < 0 else night_hour,
        clock_bounds=ClockBounds(ahead=timedelta(minutes=clock_ahead_minutes), behind=timedelta(days=clock_behind_days)),
        chip_trust=chip_trust,
        choices=choices_of(choices),
        retention=policy_of(retention),
        mail=mail_of(mail),
        alarms=alarms_of(alarms),
        kiosk_authority=kiosk_authority,
    )
    _run(settings)


def _run(settings: GatewaySettings) -> None:
    from luutru.processes.gateway import run

    configure_logs()
    try:
        run(settings)
    except (LuutruError, OSError) as error:
        typer.echo(f"The gateway cannot start: {error}", err=True)
        raise typer.Exit(1) from None


@app.command("sweep")
def sweep_once(
    *,
    at: Annotated[str | None, typer.Option(help="The instant to sweep as of, RFC 3339; now when left out.")] = None,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    choices: ChoicesOption = None,
    json: JsonOption = False,
) -> None:
    """Sweep once, everything: who is overdue becomes a notice first, a case later. Sweeping again changes nothing.

    Example: luutru gateway sweep --at 2026-07-10T23:30:00+07:00
    """
    from gateway.sweep import sweep
    from luutru.opening import open_registry
    from luutru.system import random_bytes, system_clock
    from residence.clock import parse_instant
    from residence.errors import Malformed

    try:
        now = parse_instant(at) if at else system_clock().now()
    except Malformed as error:
        raise typer.BadParameter(error.detail, param_hint="--at") from None
    chosen = choices_of(choices)
    configure_logs()  # the log goes to stderr; stdout is the answer
    opened = open_registry(registry, vault)
    try:
        swept = sweep(opened, rules=chosen.rules, now=now, random_bytes=random_bytes, patience=chosen.patience, everything=True)
    finally:
        opened.close()
    if json:
        _print_json(swept)
    else:
        typer.echo(f"{swept.premises} premises: {swept.notices} notices, {swept.cases} cases.")
        for rule, count in sorted(swept.rules.items()):
            typer.echo(f"  {rule}: {count}")
    raise typer.Exit(1 if swept.failed else 0)


@letters_app.command("list")
def list_dead_letters(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Settled and dismissed ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most, the newest first.")] = 100,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Print one JSON object per letter.")] = False,
) -> None:
    """List what came and could not be recorded, with its code and how often it came.

    Example: luutru gateway dead-letters list
    """
    from registry.quarantine import list_letters

    opened = _open(registry, vault)
    with opened.reading() as connection:
        letters = list_letters(
            connection, states=("new", "retry", "settled", "dismissed") if everything else ("new", "retry"), limit=limit
        )
    opened.close()
    for letter in letters:
        _print_json(letter) if jsonl else _print_letter(letter)
    if not letters and not jsonl:
        typer.echo("No dead letters.")


@letters_app.command("retry")
def retry_dead_letters(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of letters; all genuine ones with --all.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every letter a genuine kiosk sent.")] = False,
    registry: RegistryOption = DEFAULT_REGISTRY,
    vault: VaultOption = Path("vault"),
    json: JsonOption = False,
) -> None:
    """Ask the gateway to try letters again; a running one does so within seconds and sends the receipt.

    Example: luutru gateway dead-letters retry --all
    """
    from luutru.system import random_bytes, system_clock
    from registry.letter_changes import Chosen, retry

    if bool(ids) == everything:
        raise typer.BadParameter("name letters, or give --all")
    opened = _open(registry, vault)
    with opened.writing() as connection:
        chosen = Chosen(ids=None if everything else tuple(ids or ()), at_most=None)
        marked = retry(connection, chosen, now=system_clock().now(), random_bytes=random_bytes)
    opened.close()
    if json:
        _print_json({"marked": marked})
    else:
        typer.echo(f"{marked} marked; the gateway tries them next.")
    raise typer.Exit(0 if everything or marked == len(ids or []) else 1)


def parse_shards(text: str) -> tuple[int, ...]:
    """Read ``0-31,40`` into shard numbers, or refuse it as wrong use."""
    from residence.wire.topics import SHARDS

    numbers: set[int] = set()
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            numbers.update(range(int(first), int(last or first) + 1))
    except ValueError:
        numbers.clear()
    if not numbers or min(numbers) < 0 or max(numbers) >= SHARDS:
        raise typer.BadParameter(f"shards are numbers from 0 to {SHARDS - 1}, like 0-31,40", param_hint="--shards")
    return tuple(sorted(numbers))


def _open(url: str, vault: Path) -> Registry:
    from luutru.opening import open_registry

    return open_registry(url, vault)


def _print_letter(letter: StoredLetter) -> None:
    about = letter.declaration_id or "-"
    typer.echo(
        f"{letter.quarantine_id}  {letter.received_at:%Y-%m-%d %H:%M}  {letter.state:<8} {letter.seen_count:>4}x  "
        f"{letter.code}  {letter.kiosk_id or '-'}  {about}"
    )


def _print_json(value: object) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")

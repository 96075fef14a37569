"""``luutru chip``: read and judge the chip of a card, for installers.

- ``read`` opens the card on a PC/SC reader with the secret that is given, and prints the protocol run, every check, the level and the time.
- ``verify`` judges files that were read elsewhere: a security object and the groups it covers.
- ``--group`` reads further groups: of pictures their header is looked at and nothing kept, of others the names of their fields are printed.
- Nothing personal is printed without ``--personal``; secrets never are; nothing is stored.

Example: ``luutru chip read --can 123456 --trust trust --json``
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

if TYPE_CHECKING:
    from edge_agent.chip.session import Opening
    from residence.credentials.card_qr import CardFields
    from residence.credentials.chip.capture import Capture
    from residence.credentials.chip.trust_store import TrustStore
    from residence.credentials.chip.verdict import Verdict

app = typer.Typer(no_args_is_help=True, help="Read and judge the chip of a card.")

TrustOption = Annotated[Path | None, typer.Option("--trust", help="Folder of trusted certificates; none: level 3 at best.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


def _store(folder: Path | None) -> TrustStore:
    from luutru import trust_folder
    from residence.credentials.chip.trust_store import TrustStore
    from residence.errors import LuutruError

    try:
        return trust_folder.load(folder) if folder else TrustStore()
    except LuutruError as error:
        raise typer.BadParameter(f"{error.detail} [{error.code}]", param_hint="--trust") from None


def _opening(qr: str, can: str, mrz: str) -> tuple[Opening, CardFields | None]:
    """Return what may open the chip, and the fields of the QR or zone to compare with; what cannot be right costs the card no attempt."""
    from edge_agent.chip.session import Opening
    from luutru.jsonl import day_in_vietnam
    from residence.credentials.chip.access_keys import CAN, can_of, mrz_keys_of
    from residence.credentials.reading import read_payload

    if len([each for each in (qr, can, mrz) if each]) != 1:
        raise typer.BadParameter("give one of --qr, --can and --mrz")
    if can:
        if not CAN.fullmatch(can):
            raise typer.BadParameter("six digits", param_hint="--can")
        return Opening(can=can), None
    if mrz:
        return _opening_by_zone(mrz.split())
    outcome = read_payload(qr, reader="cli", today=day_in_vietnam(None))
    fields = outcome.fields
    if not outcome.ok or fields.personal_number is None:
        raise typer.BadParameter("not a card's QR", param_hint="--qr")
    keys: tuple[str, ...] = ()
    if fields.birth is not None and fields.birth.precision == "day" and fields.issued is not None:
        keys = mrz_keys_of(fields.personal_number, date.fromisoformat(fields.birth.value), date.fromisoformat(fields.issued))
    return Opening(can=can_of(fields.personal_number), mrz_keys=keys), fields


def _opening_by_zone(lines: list[str]) -> tuple[Opening, CardFields]:
    from edge_agent.chip.session import Opening
    from luutru.jsonl import day_in_vietnam
    from residence.credentials.chip.access_keys import key_of_lines
    from residence.credentials.chip.claims import fields_of
    from residence.credentials.reading import read_mrz

    zone = read_mrz(lines, reader="cli", today=day_in_vietnam(None))
    if zone.reading is None:
        wrong = ", ".join(dict.fromkeys(each.code for each in zone.problems if each.severity == "error"))
        raise typer.BadParameter(f"two or three lines of a zone, as printed [{wrong}]", param_hint="--mrz")
    is_passport = len(lines) == 2  # noqa: PLR2004 - as key_of_lines takes it
    return Opening(mrz_keys=(key_of_lines(lines),), details=not is_passport), fields_of(zone.reading.person)


def _further(named: list[str] | None) -> tuple[str, ...]:
    from luutru.chip_groups import GROUPS

    names = tuple(dict.fromkeys(each.upper() for each in named or ()))
    if not set(names) <= set(GROUPS):
        raise typer.BadParameter(f"one of {', '.join(GROUPS)}", param_hint="--group")
    return names


def _answer(capture: Capture, verdict: Verdict, *, personal: bool) -> dict[str, Any]:
    from luutru.chip_groups import described

    answer: dict[str, Any] = {
        "protocol": capture.access.protocol,
        "downgraded": bool(capture.access.downgraded_from),
        "attempts": capture.access.attempts,
        "level": int(verdict.level),
        "checks": verdict.checks,
        "present_by": verdict.present_by,
        "issuer": verdict.issuer,
        "files": {name: {"bytes": len(raw), "hash_ok": verdict.covered.get(name)} for name, raw in sorted(capture.files.items())},
        "missing": capture.missing,
        "groups": described(capture.files, personal=personal),
        "findings": verdict.findings,
    }
    if personal:
        answer["fields"] = {
            "zone": verdict.zone and msgspec.to_builtins(verdict.zone),
            "details": verdict.details.texts if verdict.details else None,
        }
    return answer


def _print(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(answer).decode())
        return
    for key, value in answer.items():
        if key == "findings":
            for each in value:
                typer.echo(f"{each.severity}: {each.message.en}\n  {each.message.vi}  [{each.code}] {each.pointer}")
        elif isinstance(value, dict):
            typer.echo(f"{key}:")
            for name, inner in value.items():
                typer.echo(f"  {name}: {inner}")
        else:
            typer.echo(f"{key}: {value}")


def _refuse(code: str, detail: str, *, as_json: bool) -> typer.Exit:
    from residence.errors import sentence

    _print({"ok": False, "code": code, "detail": detail, "message": sentence(code).en}, as_json=as_json)
    return typer.Exit(1)


@app.command("read")
def read(  # noqa: PLR0913 - one option per flag
    *,
    reader: Annotated[
        str, typer.Option(help="Part of a PC/SC reader's name, the first one when left out; or pn532:/dev/ttyUSB0.")
    ] = "",
    qr: Annotated[str, typer.Option(help="The text of the card's QR.")] = "",
    can: Annotated[str, typer.Option(help="The card access number, six digits.")] = "",
    mrz: Annotated[str, typer.Option(help="The lines of the machine-readable zone, with spaces between.")] = "",
    trust: TrustOption = None,
    group: Annotated[
        list[str] | None, typer.Option(help="Read this group too: DG2 or DG7 (headers of pictures alone), DG11, DG12, DG16.")
    ] = None,
    personal: Annotated[bool, typer.Option("--personal", help="Print what the chip says about the person.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for a card.")] = 10.0,
    as_json: JsonOption = False,
) -> None:
    """Read the card on a reader and say how far it can be believed.

    Example: luutru chip read --qr "$(cat qr.txt)" --trust trust
    """
    from edge_agent.chip.drawing import FromBytes
    from edge_agent.chip.session import ChipReader
    from luutru.chip_readers import laid_card
    from luutru.system import SystemClock, random_bytes
    from residence.clock import VIETNAM
    from residence.credentials.chip.verdict import judge
    from residence.errors import LuutruError

    opening, fields = _opening(qr, can, mrz)
    further = _further(group)
    clock = SystemClock()
    try:
        with laid_card(reader, wait=wait, clock=clock) as laid:
            started = clock.monotonic_ns()
            chip = ChipReader(laid.card, draw=FromBytes(random_bytes), clock=clock, link=laid.link, reset=laid.reset)
            capture = chip.read(opening, bound_to=(b"cli", random_bytes(16)), extra=further, reader=laid.reader)
    except LuutruError as error:
        raise _refuse(error.code, error.detail, as_json=as_json) from None
    spent = (clock.monotonic_ns() - started) / 1e6
    now = clock.now()
    verdict = judge(capture, _store(trust), now=now, today=now.astimezone(VIETNAM).date(), card=fields)
    answer = _answer(capture, verdict, personal=personal)
    _print({**answer, "reader": capture.reader, "apdus": capture.commands, "ms": round(spent, 1)}, as_json=as_json)


@app.command("watch")
def watch(
    *,
    seconds: Annotated[float, typer.Option(min=0, help="For how long.")] = 60.0,
    as_json: Annotated[bool, typer.Option("--jsonl", help="One JSON object per event.")] = False,
) -> None:
    """Tell which PC/SC readers and cards come and go, to see whether a reader and its service work.

    Example: luutru chip watch --seconds 30
    """
    import threading

    from edge_agent.readers import pcsc
    from luutru.system import SystemClock

    clock = SystemClock()
    until = clock.monotonic_ns() + int(seconds * 1e9)
    for event in pcsc.watch(lambda: clock.monotonic_ns() < until, pause=threading.Event().wait):
        typer.echo(msgspec.json.encode(event).decode() if as_json else f"{event.what}: {event.reader}")


@app.command("verify")
def verify(
    *,
    sod: Annotated[Path, typer.Option(help="EF.SOD as read from a chip.", exists=True)],
    dg: Annotated[list[str] | None, typer.Option(help="A data group's number and file: 1=dg1.bin.")] = None,
    trust: TrustOption = None,
    at: Annotated[str | None, typer.Option(help="Judge as on this day (YYYY-MM-DD) instead of now.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a security object and the groups it covers, read elsewhere.

    Example: luutru chip verify --sod sod.bin --dg 1=dg1.bin --dg 14=dg14.bin --trust trust --json
    """
    from luutru.chip_groups import described
    from luutru.jsonl import day_in_vietnam
    from luutru.system import SystemClock
    from residence.credentials.chip.capture import Access, Capture
    from residence.credentials.chip.verdict import judge

    files = {"SOD": sod.read_bytes()}
    for each in dg or ():
        number, _, path = each.partition("=")
        if not number.isdecimal() or not Path(path).is_file():
            raise typer.BadParameter("number=file", param_hint="--dg")
        files[f"DG{int(number)}"] = Path(path).read_bytes()
    day = day_in_vietnam(at)
    now = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) if at else SystemClock().now()
    verdict = judge(Capture(access=Access(), files=files), _store(trust), now=now, today=day)
    answer = {
        "level": int(verdict.level),
        "checks": verdict.checks,
        "issuer": verdict.issuer,
        "signed_with": verdict.signed_with,
        "files": {name: verdict.covered[name] for name in sorted(verdict.covered)},
        "groups": described(files, personal=False),
        "findings": verdict.findings,
    }
    _print(answer, as_json=as_json)
    raise typer.Exit(0 if verdict.checks["passive"] == "passed" else 1)

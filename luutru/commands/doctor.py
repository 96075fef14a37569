"""``luutru doctor``: what this machine has, what that means, and how to mend what is missing.

- Every check answers three questions: is it fine, what does it mean, what to do. Nothing is changed.
- ``needed_by`` says who suffers; a check that concerns only the tests never makes a kiosk look ill.
- Exit status 0 when everything for the named process is fine, 1 otherwise.

Example: ``luutru doctor --for kiosk --json``
"""

from __future__ import annotations

import importlib.util
import shutil
import sqlite3  # noqa: TID251 - only its version is asked for
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from luutru.system import SystemClock

app = typer.Typer(invoke_without_command=True)
EARLIEST_SANE_YEAR: Final = 2026
DISK_FLOOR_MIB: Final = 200
ROOT: Final = Path(__file__).resolve().parents[2]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the machine."""

    name: str
    ok: bool
    needed_by: tuple[str, ...]
    found: str
    meaning: str
    mend: str


def _module(name: str, *, needed_by: tuple[str, ...], meaning: str, extra: str) -> Check:
    present = importlib.util.find_spec(name) is not None
    return Check(
        name=f"python package {name}",
        ok=present,
        needed_by=needed_by,
        found="installed" if present else "missing",
        meaning=meaning,
        mend=f"pip install 'luutru[{extra}]', or scripts/bootstrap",
    )


def _program(name: str, *, needed_by: tuple[str, ...], meaning: str, package: str, also: str = "") -> Check:
    found = shutil.which(name) or shutil.which(name, path=f"/usr/sbin:{also}")
    return Check(
        name=f"program {name}",
        ok=found is not None,
        needed_by=needed_by,
        found=found or "missing",
        meaning=meaning,
        mend=f"apt-get install {package}",
    )


def _python() -> Check:
    return Check(
        name="python",
        ok=sys.version_info >= (3, 11),
        needed_by=("kiosk", "gateway", "server", "test"),
        found=sys.version.split()[0],
        meaning="Luutru runs on Python 3.11 and 3.12.",
        mend="use Debian 12's python3",
    )


def _sqlite() -> Check:
    version = tuple(int(part) for part in sqlite3.sqlite_version.split("."))
    return Check(
        name="sqlite",
        ok=version >= (3, 38, 0),
        needed_by=("kiosk", "gateway", "server"),
        found=sqlite3.sqlite_version,
        meaning="The outbox and the embedded registry live in SQLite with write-ahead logging.",
        mend="use Debian 12 or newer",
    )


def _clock() -> Check:
    now = SystemClock().now()
    return Check(
        name="clock",
        ok=now.year >= EARLIEST_SANE_YEAR,
        needed_by=("kiosk", "gateway", "server"),
        found=now.isoformat(timespec="seconds"),
        meaning="A wrong clock breaks certificates and makes deadlines advisory.",
        mend="install chrony and set the time zone-independent clock (UTC)",
    )


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free // (1024 * 1024)
    return Check(
        name="disk space here",
        ok=free >= DISK_FLOOR_MIB,
        needed_by=("kiosk", "gateway", "server"),
        found=f"{free} MiB free",
        meaning="A kiosk with a full disk stops taking declarations, loudly.",
        mend=f"free at least {DISK_FLOOR_MIB} MiB",
    )


def _zbar() -> Check:
    found = next((str(path) for path in Path("/usr/lib").glob("*/libzbar.so.0*")), None)
    return Check(
        name="library libzbar0",
        ok=found is not None,
        needed_by=("kiosk",),
        found=found or "missing",
        meaning="The guarded second opinion on a QR code; off by default.",
        mend="apt-get install libzbar0",
    )


def _certificates(folder: Path) -> Iterator[Check]:
    """Look at every certificate and revocation list in a folder: a broker whose list has ended lets nobody in."""
    from luutru.certificates import WARN_BEFORE, endings

    for each in endings(folder, now=SystemClock().now()):
        yield Check(
            name=f"{each.kind} {each.path}",
            ok=not each.soon,
            needed_by=("kiosk", "gateway", "demo"),
            found=f"until {each.ends:%Y-%m-%d %H:%M} UTC",
            meaning="Past its end no connection to the broker is made; of a revocation list, by nobody.",
            mend=f"renew it {WARN_BEFORE.days} days before its end, and restart the broker",
        )


def _kiosk(profile: Path | None) -> Iterator[Check]:
    if profile is not None:
        from luutru.kiosk_checks import kiosk_checks

        yield from kiosk_checks(profile, now=SystemClock().now())


def _front_end() -> Check:
    vendor = ROOT / "server" / "static" / "vendor" / "govuk-frontend" / "govuk-frontend.min.css"
    return Check(
        name="front-end files",
        ok=vendor.is_file(),
        needed_by=("server",),
        found=str(vendor.parent.parent) if vendor.is_file() else "missing",
        meaning="Style sheets and scripts of the pages, from the npm lock.",
        mend="scripts/bootstrap",
    )


def _fonts() -> Check:
    from server.paper_fonts import PACKAGES, missing

    lacking = missing()
    return Check(
        name="fonts of papers",
        ok=not lacking,
        needed_by=("server",),
        found=f"missing: {', '.join(lacking)}" if lacking else "there",
        meaning="Receipts, proofs and procedures as PDF, in six languages.",
        mend=f"apt-get install {' '.join(lacking or PACKAGES)}",
    )


def checks() -> Iterator[Check]:
    """Look at everything, cheapest first."""
    yield _python()
    yield _sqlite()
    yield _clock()
    yield _disk()
    yield _module("zxingcpp", needed_by=("kiosk",), meaning="Reads the card's QR code.", extra="kiosk")
    yield _module("cv2", needed_by=("kiosk",), meaning="Takes frames from the camera.", extra="kiosk")
    yield _module("paho", needed_by=("kiosk",), meaning="Speaks MQTT v5 for a kiosk.", extra="kiosk")
    yield _module("mqtt5", needed_by=("gateway",), meaning="Speaks MQTT v5 for a gateway.", extra="gateway")
    yield _module("sqlalchemy", needed_by=("gateway", "server"), meaning="Speaks to the registry.", extra="gateway")
    yield _module("psycopg", needed_by=("postgres",), meaning="Speaks to PostgreSQL.", extra="postgres")
    yield _module("fastapi", needed_by=("server",), meaning="Serves pages and API.", extra="server")
    yield _zbar()
    yield _program("mosquitto", needed_by=("demo", "test"), meaning="The broker of demo and tests.", package="mosquitto")
    yield _front_end()
    yield _fonts()
    yield _program("chromium", needed_by=("test",), meaning="Drives the pages in tests.", package="chromium")
    yield _program(
        "initdb",
        needed_by=("test",),
        meaning="A throw-away PostgreSQL for the registry's tests.",
        package="postgresql-15",
        also="/usr/lib/postgresql/15/bin:/usr/lib/postgresql/16/bin:/usr/lib/postgresql/17/bin",
    )


@app.callback()
def doctor(
    *,
    process: Annotated[
        str, typer.Option("--for", help="Only what one of kiosk, gateway, server, postgres, demo, test needs.")
    ] = "",
    tls: Annotated[
        list[Path] | None,
        typer.Option(
            "--tls", help="Folder with certificates and revocation lists, of gateway, kiosk or broker; may be repeated."
        ),
    ] = None,
    kiosk: Annotated[
        Path | None, typer.Option("--kiosk", help="A kiosk's profile: its devices, keys, certificate, broker.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check this machine, and say how to mend what is missing.

    Example: luutru doctor --for kiosk --kiosk /var/lib/luutru/kiosk-lobby-1/kiosk.toml
    """
    everything = [*checks(), *(each for folder in tls or () for each in _certificates(folder)), *_kiosk(kiosk)]
    looked = [each for each in everything if not process or process in each.needed_by]
    if process and not looked:
        typer.echo("--for takes kiosk, gateway, server, postgres, demo or test", err=True)
        raise typer.Exit(2)
    healthy = all(each.ok for each in looked)
    if as_json:
        sys.stdout.write(msgspec.json.encode({"ok": healthy, "checks": looked}).decode() + "\n")
    else:
        _print(looked, typer.echo)
    raise typer.Exit(0 if healthy else 1)


def _print(looked: list[Check], echo: Callable[[str], None]) -> None:
    for each in looked:
        echo(f"{'ok     ' if each.ok else 'MISSING'} {each.name}: {each.found}")
        if not each.ok:
            echo(f"        {each.meaning} Mend: {each.mend}. Needed by: {', '.join(each.needed_by)}")

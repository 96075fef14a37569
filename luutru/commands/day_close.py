"""``luutru day-close``: check a closed day of a front desk, offline, against a keyring you chose to trust.

- The close is the text of the code on the print (``LD1:...``), or a file with that text or with the signed bytes.
- The keyring is never guessed: ``--keyring FILE`` or ``LUUTRU_KEYRING``. Without one the close is shown and not believed.

Example: ``luutru day-close verify --keyring keyring.json --json --file close.txt``
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luutru.commands.receipt import as_json_text, keyring_setting

if TYPE_CHECKING:
    from residence.wire.day_close import DayClose

app = typer.Typer(no_args_is_help=True, help="Verify a closed day.")


@app.callback()
def day_close() -> None:
    """Check a closed day. Nothing is sent anywhere."""


@app.command()
def verify(
    text: Annotated[str | None, typer.Argument(help="The text of a close, LD1:...")] = None,
    *,
    file: Annotated[Path | None, typer.Option(help="A file with the text or the signed bytes.")] = None,
    keyring: Annotated[Path | None, typer.Option(help="The keyring to trust; LUUTRU_KEYRING when left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say whether a close holds, and what it says.

    Example: luutru day-close verify --keyring keyring.json --json --file close.txt
    """
    if (text is None) == (file is None):
        typer.echo("give the text of a close, or --file, and not both", err=True)
        raise typer.Exit(2)
    try:
        given = file.read_bytes() if file is not None else (text or "").encode()
    except OSError as error:
        typer.echo(f"cannot read: {error}", err=True)
        raise typer.Exit(2) from error
    answer = judge(given, keyring_file=keyring or keyring_setting())
    typer.echo(as_json_text(answer) if as_json else _for_people(answer))
    raise typer.Exit(0 if answer["ok"] else 1)


def judge(given: bytes, *, keyring_file: Path | None) -> dict[str, Any]:
    """Return whether it holds, what it says, and every problem."""
    import msgspec

    from residence.errors import LuutruError, problem
    from residence.wire.day_close import parse_close_text, read_close, verify_close
    from residence.wire.keyring import load_keyring

    shown: DayClose | None = None
    problems: list[Any] = []
    try:
        data = given if given[:1] == b"\xd2" else parse_close_text(given.decode())
        shown = read_close(data)
        if keyring_file is None:
            problems.append(problem("keyring.missing"))
        else:
            shown = verify_close(data, keyring=load_keyring(keyring_file.read_bytes()))
    except LuutruError as error:
        problems.append(problem(error.code, error.pointer))
    except (OSError, UnicodeDecodeError):
        problems.append(problem("keyring.missing" if shown is not None else "day-close.text"))
    return {"ok": not problems, "close": msgspec.to_builtins(shown) if shown else None, "problems": problems}


def _for_people(answer: dict[str, Any]) -> str:
    lines = ["The close holds." if answer["ok"] else "The close does NOT hold."]
    lines += [f"  {name}: {value}" for name, value in (answer["close"] or {}).items()]
    lines += [f"  {each.code}: {each.message.en} / {each.message.vi}" for each in answer["problems"]]
    return "\n".join(lines)

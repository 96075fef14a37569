"""``luutru receipt``: check the registry's signed answer, offline, against a keyring you chose to trust.

- The receipt is the text on a slip or QR code (``LR1:...``), or a file with that text or with the signed bytes.
- The keyring is never guessed: ``--keyring FILE`` or ``LUUTRU_KEYRING``. Without one the receipt is shown and not believed.
- ``log`` stands for the public log of receipts; until that exists, nothing is included in it.

Example: ``luutru receipt verify --keyring keyring.json --json --file slip.txt``
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from residence.wire.messages import Receipt

app = typer.Typer(no_args_is_help=True, help="Verify a receipt.")

# fields of the public contract (docs/commands.md) that come from the receipt itself
FIELDS: Final = ("state", "declaration_id", "kept_at", "accepted_at", "due", "on_time", "rule_set")


@app.callback()
def receipt() -> None:
    """Check a receipt. Nothing is sent anywhere."""


@app.command()
def verify(
    text: Annotated[str | None, typer.Argument(help="The text of a receipt, LR1:...")] = None,
    *,
    file: Annotated[Path | None, typer.Option(help="A file with the text or the signed bytes.")] = None,
    keyring: Annotated[Path | None, typer.Option(help="The keyring to trust; LUUTRU_KEYRING when left out.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say whether a receipt holds, and what it says.

    Example: luutru receipt verify --keyring keyring.json --json --file slip.txt
    """
    if (text is None) == (file is None):
        typer.echo("give the text of a receipt, or --file, and not both", err=True)
        raise typer.Exit(2)
    try:
        given = text.encode() if file is None and text is not None else _read(file)
    except OSError as error:
        typer.echo(f"cannot read: {error}", err=True)
        raise typer.Exit(2) from error
    answer = judge(given, keyring_file=keyring or keyring_setting())
    typer.echo(as_json_text(answer) if as_json else _for_people(answer))
    raise typer.Exit(0 if answer["ok"] else 1)


def judge(given: bytes, *, keyring_file: Path | None) -> dict[str, Any]:
    """Return the object of the public contract for one receipt."""
    from residence.errors import LuutruError, problem
    from residence.wire.keyring import load_keyring
    from residence.wire.receipts import parse_receipt_text, read_unverified, verify_receipt

    shown: Receipt | None = None
    problems: list[Any] = []
    try:
        data = parse_receipt_text(given.decode()) if given.lstrip().startswith(b"LR1:") else _signed_bytes(given)
        shown = read_unverified(data)
        if keyring_file is None:
            problems.append(problem("keyring.missing"))
        else:
            shown = verify_receipt(data, keyring=load_keyring(keyring_file.read_bytes()))
    except LuutruError as error:
        problems.append(problem(error.code, error.pointer))
    except (OSError, UnicodeDecodeError):
        problems.append(problem("keyring.missing" if shown is not None else "receipt.text"))
    return {
        "ok": not problems,
        **{name: getattr(shown, name, None) for name in FIELDS},
        "log": {"included": False, "checkpoint": None},
        "code": getattr(shown, "code", None),
        "problems": problems,
    }


def _signed_bytes(given: bytes) -> bytes:
    """Accept raw COSE_Sign1 (tag 18) and refuse any other text with the code that says what a receipt looks like."""
    from residence.errors import Malformed

    if given[:1] != b"\xd2":
        raise Malformed("receipt.text")
    return given


def _read(file: Path | None) -> bytes:
    return b"" if file is None else file.read_bytes()


def keyring_setting() -> Path | None:
    """Return the keyring the environment names."""
    from luutru.system import setting

    named = setting("LUUTRU_KEYRING")
    return Path(named) if named else None


def as_json_text(answer: dict[str, Any]) -> str:
    """Return one JSON object."""
    import msgspec

    return msgspec.json.encode(answer).decode()


def _for_people(answer: dict[str, Any]) -> str:
    lines = ["The receipt holds." if answer["ok"] else "The receipt does NOT hold."]
    lines += [f"  {name}: {answer[name]}" for name in ("code", *FIELDS) if answer[name] is not None]
    lines += [f"  {each.code}: {each.message.en} / {each.message.vi}" for each in answer["problems"]]
    return "\n".join(lines)

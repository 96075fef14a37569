"""``luutru receipt``: check the registry's signed answer, offline, against a keyring you chose to trust.

- A receipt is the text on a slip or QR code (``LR1:...``), a person's proof of a stay another (``LS1:...``), the answer to what somebody said is wrong
  a third (``LA1:...``), the certificate of a deletion a fourth (``LD1:...``, below it the proof from the log, checked with ``--log-key``); or a file with that text or with the signed bytes. A proof's own facts stand in ``stay``, an answer's in ``answer``.
- ``page`` writes a page that checks both in a browser without a network, with the public keys of a keyring in it.
- The keyring is never guessed: ``--keyring FILE`` or ``LUUTRU_KEYRING``. Without one the receipt is shown and not believed.
- ``log`` says where a statement or a certificate of deletion stands in a log: by the proof below the text, or in the log at ``--log``, checked with
  ``--log-key`` (``receipt_places.py``). Nothing is claimed where it was not checked.

Example: ``luutru receipt verify --keyring keyring.json --json --file slip.txt``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

if TYPE_CHECKING:
    from residence.wire.answers import Answer
    from residence.wire.deletions import Deletion
    from residence.wire.messages import LogPlace, Receipt
    from residence.wire.stay_proofs import StayProof

# what is said of a place in a log where none was checked
NOWHERE: Final[dict[str, Any]] = {"included": False, "checkpoint": None, "standing": None, "promised": None, "evidence": None}
app = typer.Typer(no_args_is_help=True, help="Verify a receipt.")

# fields of the public contract (docs/commands.md) that come from the receipt itself
FIELDS: Final = ("state", "declaration_id", "kept_at", "accepted_at", "due", "on_time", "rule_set")
# what a proof of a stay says besides
STAY: Final = (
    "place", "premises_id", "unit", "arrival", "departure", "declared_by", "evidence_level", "article", "rule", "received_at", "kept_until", "issuer",
    "signed_at",
)  # fmt: skip
# what an answer to somebody who said that something is wrong, or asked for a right, says; what a certificate of deletion says
LOG_PROOF: Final = b"c2sp.org/tlog-proof@v1\n"
DELETION: Final = ("certificate_id", "deleted_at", "reason", "legal_basis", "deleted", "kept", "period_keys")
ANSWER: Final = ("answer_id", "answers", "subject", "asked_at", "due", "outcome", "reason", "answered_at", "legal_basis")


@app.callback()
def receipt() -> None:
    """Check a receipt. Nothing is sent anywhere."""


@app.command()
def verify(
    text: Annotated[
        str | None, typer.Argument(help="The text of a receipt, LR1:..., of a proof of a stay, LS1:..., or of an answer, LA1:...")
    ] = None,
    *,
    file: Annotated[Path | None, typer.Option(help="A file with the text or the signed bytes.")] = None,
    keyring: Annotated[Path | None, typer.Option(help="The keyring to trust; LUUTRU_KEYRING when left out.")] = None,
    log_key: Annotated[
        list[str],
        typer.Option("--log-key", help="A log's public key or its file, to check the place in the log, too; may be repeated."),
    ] = [],  # noqa: B006 - Typer's way
    log: Annotated[
        str, typer.Option("--log", help="Address or folder of the log of statements, to look for the place there.")
    ] = "",
    witness: Annotated[list[str], typer.Option("--witness", help="A witness of the log, each of which must have signed.")] = [],  # noqa: B006 - Typer's way
    late_after: Annotated[
        float, typer.Option("--late-after", min=0, help="Hours after which a promised place is overdue, by a witness's time.")
    ] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say whether a receipt, proof, answer or certificate of deletion holds, and what it says.

    Example: luutru receipt verify --keyring keyring.json --json --file slip.txt
    """
    if (text is None) == (file is None):
        typer.echo("give the text of a receipt, or --file, and not both", err=True)
        raise typer.Exit(2)
    if (log or witness) and not log_key:
        typer.echo("--log and --witness need the log's public key: --log-key", err=True)
        raise typer.Exit(2)
    try:
        given = text.encode() if file is None and text is not None else _read(file)
    except OSError as error:
        typer.echo(f"cannot read: {error}", err=True)
        raise typer.Exit(2) from error
    line, proof = _apart(given)
    shown, answer = judge(line, keyring_file=keyring or keyring_setting())
    if shown is not None and log_key and (answer["ok"] or answer["deletion"] is not None):
        answer = _with_place(answer, shown, (line.decode(errors="replace"), proof, log), (log_key, witness, late_after))
    typer.echo(as_json_text(answer) if as_json else _for_people(answer))
    raise typer.Exit(0 if answer["ok"] else 1)


@app.command()
def page(
    out: Annotated[Path, typer.Argument(help="The HTML file to write.")],
    *,
    keyring: Annotated[Path | None, typer.Option(help="The keyring to trust; LUUTRU_KEYRING when left out.")] = None,
) -> None:
    """Write a page that checks receipts and proofs of stays in a browser, without a network.

    Example: luutru receipt page --keyring keyring.json check.html
    """
    from luutru.system import system_clock
    from residence.errors import LuutruError, problem
    from residence.wire.keyring import load_keyring
    from server.residents.offline_page import offline_page
    from server.settings import STATIC

    ring = keyring or keyring_setting()
    try:
        if ring is None:
            typer.echo(problem("keyring.missing").message.en, err=True)
            raise typer.Exit(2)
        made = offline_page(load_keyring(ring.read_bytes()), made_at=system_clock().now(), vendor=STATIC / "vendor")
        out.write_text(made, "utf-8")
    except LuutruError as error:
        typer.echo(problem(error.code, error.pointer).message.en, err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        typer.echo(f"cannot read or write: {error}", err=True)
        raise typer.Exit(2) from error


def judge(given: bytes, *, keyring_file: Path | None) -> tuple[Receipt | StayProof | Answer | Deletion | None, dict[str, Any]]:
    """Return one receipt or proof, and the object of the public contract for it."""
    from residence.errors import LuutruError, problem
    from residence.wire.keyring import load_keyring
    from residence.wire.trace_ids import trace_of

    place: LogPlace | None
    shown: Receipt | StayProof | Answer | Deletion | None = None
    problems: list[Any] = []
    try:
        form = _form_of(given)
        shown = form.read(form.data)
        if keyring_file is None:
            problems.append(problem("keyring.missing"))
        else:
            shown = form.verify(form.data, keyring=load_keyring(keyring_file.read_bytes()))
    except LuutruError as error:
        problems.append(problem(error.code, error.pointer))
    except (OSError, UnicodeDecodeError):
        problems.append(problem("keyring.missing" if shown is not None else "receipt.text"))
    return shown, {
        "ok": not problems,
        **{name: getattr(shown, name, None) for name in FIELDS},
        "log": NOWHERE
        | {"promised": {"log": place.log, "index": place.index} if (place := getattr(shown, "log", None)) else None},
        "code": getattr(shown, "code", None),
        "trace_id": f"{trace_of(own_id).trace_id:032x}" if (own_id := getattr(shown, "declaration_id", None)) else None,
        "stay": {name: getattr(shown, name) for name in STAY} if hasattr(shown, "declared_by") else None,
        "answer": {name: getattr(shown, name) for name in ANSWER} if hasattr(shown, "answer_id") else None,
        "deletion": {name: getattr(shown, name) for name in DELETION} if hasattr(shown, "deleted_at") else None,
        "problems": problems,
    }


def _apart(given: bytes) -> tuple[bytes, str]:
    """Return what is signed, and the proof from the log below it, if there is one."""
    line, found, proof = given.partition(LOG_PROOF)
    return (line, (found + proof).decode(errors="replace").rstrip() + "\n") if found else (given, "")


def _with_place(
    answer: dict[str, Any],
    shown: Receipt | StayProof | Answer | Deletion,
    given: tuple[str, str, str],
    trusted: tuple[list[str], list[str], float],
) -> dict[str, Any]:
    """Add what is to be said of its place in a log. ``given``: text, proof and log; ``trusted``: keys, witnesses and hours."""
    from luutru.commands.receipt_places import PlaceTrust, judge_place
    from luutru.transparency.key_files import key_of
    from residence.errors import LuutruError, problem
    from residence.wire.answers import Answer

    if isinstance(shown, Answer):
        return answer
    (text, proof, log), (keys, witnesses, hours) = given, trusted
    try:
        trust = PlaceTrust(
            keys=tuple(key_of(each) for each in keys),
            witnesses=tuple(key_of(each) for each in witnesses),
            late_after=timedelta(hours=hours),
        )
    except LuutruError as error:
        return answer | {"ok": False, "problems": [*answer["problems"], problem(error.code, error.pointer)]}
    told = judge_place(shown, text, proof, trust=trust, log=log)
    problems = [*answer["problems"], *told["problems"]]
    return answer | {"ok": not problems, "log": told["log"], "problems": problems}


class _Form(NamedTuple):
    """A receipt's, a proof's or an answer's signed bytes, and what reads and verifies them."""

    data: bytes
    read: Callable[[bytes], Any]
    verify: Callable[..., Any]


def _form_of(given: bytes) -> _Form:
    """Tell which of the three it is, by its text or by the type it was signed as."""
    from residence.errors import Malformed
    from residence.wire import answers, deletions, receipts, signing, stay_proofs

    text = given.lstrip()
    if text.startswith(stay_proofs.TEXT_PREFIX.encode()):
        data = stay_proofs.parse_proof_text(given.decode())
    elif text.startswith(receipts.TEXT_PREFIX.encode()):
        data = receipts.parse_receipt_text(given.decode())
    elif text.startswith(answers.TEXT_PREFIX.encode()):
        data = answers.parse_answer_text(given.decode())
    elif text.startswith(deletions.TEXT_PREFIX.encode()):
        data = deletions.parse_deletion_text(given.decode())
    elif given[:1] == b"\xd2":  # COSE_Sign1, tag 18
        data = given
    else:
        raise Malformed("receipt.text")
    kind = signing.read_sign1(data).type
    if kind == signing.ANSWER_TYPE:
        return _Form(data, answers.read_answer_unverified, answers.verify_answer)
    if kind == signing.DELETION_TYPE:
        return _Form(data, deletions.read_deletion_unverified, deletions.verify_deletion)
    if kind == stay_proofs.PROOF_TYPE:
        return _Form(data, stay_proofs.read_proof_unverified, stay_proofs.verify_proof)
    return _Form(data, receipts.read_unverified, receipts.verify_receipt)


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
    lines += [f"  {name}: {said}" for name, said in (answer["stay"] or {}).items() if said is not None]
    lines += [
        f"  {name}: {said}" for part in ("answer", "deletion") for name, said in (answer[part] or {}).items() if said is not None
    ]
    lines += _place_for_people(answer["log"])
    lines += [f"  {each.code}: {each.message.en} / {each.message.vi}" for each in answer["problems"]]
    return "\n".join(lines)


def _place_for_people(said: dict[str, Any]) -> list[str]:
    """Say which place in a log, and what is known of it; nothing for what names none and was found in none."""
    place, checked = said["promised"], said["checkpoint"]
    if place is not None:
        return [
            f"  log: place {place['index']} of {place['log']}, {said['standing'] or ('in_log' if said['included'] else 'not checked')}"
        ]
    return [f"  log: place {checked['index']} of {checked['origin']}, in_log"] if said["included"] else []

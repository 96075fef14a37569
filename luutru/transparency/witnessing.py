"""A witness at work: one log cosigned when asked to, or a port at which logs ask.

- Its key lies in its folder and is made when there is none.
- Looking at a log by itself it makes the proof from the log's own tiles; a log that cannot make one does not continue what was seen.

Example: ``witness_once("https://luutru.example/log", state=Path("witness"), name="witness.example/w1", key="...")``
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from luutru.logs import configure_logs
from luutru.system import random_bytes, system_clock
from luutru.transparency.fetching import fetch_from, note_from
from luutru.transparency.key_files import kept_signer, key_of
from luutru.transparency.witness import WitnessService
from registry.durable_files import replace_whole
from residence.errors import LuutruError, Problem, problem
from residence.transparency.checkpoints import Checkpoint, claimed
from residence.transparency.merkle import Position, consistency_path
from residence.transparency.notes import WITNESS, Key, Signer, read_vkey
from residence.transparency.tiles import Tiles
from residence.transparency.witnessing import Refusal, Request

OWN_KEY: Final = "witness.key"
_CODES: Final = {403: "log.unsigned", 409: "log.forked", 422: "log.forked"}


def own_signer(state: Path, name: str) -> Signer:
    """Return this witness's key, made when there is none; its public half lies beside it."""
    path = state / OWN_KEY
    signer = kept_signer(path, name=name, kind=WITNESS, random_bytes=random_bytes)
    replace_whole(path.with_suffix(".pub"), f"{signer.key.line}\n".encode(), mode=0o644)
    return signer


def witness_once(source: str, *, state: Path, name: str, key: str) -> tuple[Checkpoint | None, list[Problem], str | None]:
    """Cosign a log as it stands; returns its head, what is wrong, and the line."""
    fetch = fetch_from(source)
    problems: list[Problem] = [] if key else [problem("log.key_from_log")]
    head = None
    try:
        log = key_of(key) if key else read_vkey(fetch("key").decode("utf-8", "replace"))
        service = WitnessService(state, logs=[log], clock=system_clock(), signer=own_signer(state, name))
        try:
            note = note_from(fetch)
            known, head = service.known(log), claimed(note)
            old = known.size if known else 0
            if head.size < old:
                return head, [*problems, problem("log.shrunk")], None
            path = consistency_path(Position(old, head.size), Tiles(head.size, fetch).at)
            return head, problems, service.add(Request(old=old, path=path, note=note))
        finally:
            service.close()
    except Refusal as refusal:
        return head, [*problems, problem(_CODES.get(refusal.status, "log.other"))], None
    except LuutruError as error:
        return head, [*problems, problem(error.code)], None


def listen_until_stopped(listen: str, *, state: Path, name: str, keys: Sequence[str]) -> None:
    """Answer logs until SIGTERM or Ctrl-C."""
    configure_logs()
    host, _, port = listen.rpartition(":")
    logs: list[Key] = [key_of(each) for each in keys]
    signer = own_signer(state, name)
    service = WitnessService(state, logs=logs, clock=system_clock(), signer=signer)
    server = service.serve(host, int(port))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    structlog.get_logger("luutru.witness").info("witness listens", address=listen, key=signer.key.line)
    stop.wait()
    server.shutdown()
    server.server_close()
    service.close()

"""Does one step of a way back, or of a delegation, in forked children, each killed at a given call into the database.

Started as a program with the registry, its keys, the step and its arguments as JSON. Each line on stdin is a point (0: do not kill); for each it forks,
lets the child take the step, and prints how the child ended: ``killed``, ``done`` or ``refused``.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
from datetime import timedelta
from pathlib import Path

from factories import EVENING

from registry import delegations, recoveries
from registry.database import connect
from registry.key_provider import FileKeyProvider
from registry.vault import Vault
from residence.errors import LuutruError

sys.path.insert(0, str(Path(__file__).parent / "gateway"))

from killed_sender import count_points


def recovery_tools(vault):
    return recoveries.Tools(vault=vault, now=EVENING, random_bytes=secrets.token_bytes, waits=timedelta(days=3))


def delegation_means(vault):
    return delegations.Means(vault=vault, now=EVENING, random_bytes=secrets.token_bytes, until_age=18)


STEPS = {
    "begin": lambda connection, vault, person_id, code: recoveries.begin(
        connection, recoveries.Seen(person_id=person_id, paper="passport", by="acc-one"), code=code, tools=recovery_tools(vault)
    ),
    "use": lambda connection, vault, code: recoveries.use(connection, code, forget=True, tools=recovery_tools(vault)),
    "take": lambda connection, vault, code, taker_id: delegations.take(
        connection, code, taker_id=taker_id, account_id="acc-taker", label="a friend", means=delegation_means(vault)
    ),
}


def child(url, keys, step, given, kill_at):
    """Take the step, unless killed before; returns the child's exit status."""
    vault = Vault(FileKeyProvider(Path(keys), random_bytes=secrets.token_bytes), random_bytes=secrets.token_bytes)
    registry = connect(url, vault=vault)
    count_points(kill_at, [0])
    try:
        with registry.writing() as connection:
            STEPS[step](connection, vault, *given)
    except LuutruError:
        return 1
    return 0


def main(url, keys, step, given):
    for line in sys.stdin:
        own = os.fork()
        if own == 0:
            os._exit(child(url, keys, step, json.loads(given), int(line)))
        _, status = os.waitpid(own, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print("killed" if killed else {0: "done", 1: "refused"}.get(os.waitstatus_to_exitcode(status), "failed"), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

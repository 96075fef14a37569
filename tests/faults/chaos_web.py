"""Somebody at a desk in a chaos run: declares over the real server's API, into the registry the gateways write to.

- What was attempted is sent again, unchanged, until the server answers with a receipt: only then was it shown to anybody.
- Once the file ``calm`` lies beside the record nothing new is begun; the process ends when everything has its answer.

    python -m tests.faults.chaos_web http://localhost:8300 TOKEN-FILE RECORD --premises htl-sao-mai --every 0.2
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import msgspec

from faults.chaos_kiosk import SHARED, statement
from faults.chaos_record import Record
from luutru import system
from residence.stays.declaration import Declarant
from residence.wire.receipts import parse_receipt_text

PATIENCE = 5
PAUSE = 0.2


def post(url, token, body):
    """Return status and answer; ``None`` when nobody answered in time."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/api/v1/declarations", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException, ValueError):
        return None, None


def declare(said, record, *, url, token):
    """Send one declaration until it is answered."""
    body, own_id = msgspec.json.encode(said), said.declaration_id
    record.say("attempted", id=own_id)
    while True:
        status, answer = post(url, token, body)
        if status in {200, 201}:
            record.say("shown", id=own_id)
            record.say("settled", id=own_id, receipt=parse_receipt_text(answer["text"]).hex())
            return
        if status is not None and 400 <= status < 500:
            record.say("refused", id=own_id, code=answer[:300])
            return
        record.say("unanswered", id=own_id, status=status)
        time.sleep(PAUSE)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("token", type=Path)
    parser.add_argument("record", type=Path)
    parser.add_argument("--premises", required=True)
    parser.add_argument("--unit", default="201")
    parser.add_argument("--every", type=float, default=0.2)
    options = parser.parse_args()
    record, calm, token = Record(options.record), options.record.with_name("calm"), options.token.read_text("ascii")
    number = 0
    while not calm.exists():
        number += 1
        now = system.system_clock().now()
        said = statement(number if number % 3 else number % SHARED, options.premises, options.unit, now=now)
        said = msgspec.structs.replace(said, declarant=Declarant(role="facility"))
        declare(said, record, url=options.url, token=token)
        time.sleep(options.every)
    record.say("empty")
    record.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What ``luutru bench review`` prints is what programs may read, and it really opens a thousand cases and answers every key."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from luutru.commands.bench import app


def test_it_opens_a_thousand_cases_and_answers_every_key():
    result = json.loads(CliRunner().invoke(app, ["review", "--quick", "--json"]).stdout)
    assert (result["settings"]["cases_shown"], result["settings"]["keys"]) == (1000, 17)
    assert result["figures"].keys() >= {"queue_1000_open_ms", "key_ms_p95"}
    assert result["ratios"]["thousand_to_empty"] > 0

"""The measurement of a chip's reading: a whole card is read both ways, and the keys others read are there."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from luutru.benchmarks.chip import _air
from luutru.commands.bench import app


def test_the_benchmark_reads_a_whole_card_with_few_commands_and_gives_the_keys_others_read():
    done = CliRunner().invoke(app, ["chip", "--quick", "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.output)
    figures = report["figures"]

    assert report["name"] == "chip"
    assert 20 <= figures["apdus_extended"] <= 30
    assert figures["apdus_extended"] < figures["apdus_short"] <= 45
    assert {"COM", "DG1", "DG13", "DG14", "DG15", "SOD"} == figures["file_bytes"].keys()
    assert figures["file_bytes"]["SOD"] > 2_000
    assert figures["host_cpu_ms"] > 0
    assert 0 < figures["pace_ec_share"] < 1
    assert report["baselines"]["openssl_curve_ms"] > 0
    assert figures["air_ms_848_extended"] < figures["air_ms_424_extended"] < figures["air_ms_106_extended"]


def test_the_time_in_the_air_counts_frames_and_their_acknowledgements():
    assert _air([0]) == {"106": round(27 / 106, 1), "424": round(27 / 424, 1), "848": round(27 / 848, 1)}
    # 253 bytes fill a block; one more makes a second one, and an acknowledgement between
    assert _air([253])["106"] == round(1e3 * (253 + 3) * 9 / 106_000, 1)
    assert _air([254])["106"] == round(1e3 * (254 + 3 + 3 + 3) * 9 / 106_000, 1)

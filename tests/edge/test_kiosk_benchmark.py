"""The kiosk's benchmark runs a real kiosk and says what was promised; how fast this machine is, is no test's business."""

from luutru.benchmarks import kiosk


def test_a_short_run_measures_a_real_kiosk_beside_its_baselines():
    result = kiosk.run(quick=True)
    assert set(result.figures) == {"rss_mib", "start_seconds", "start_cpu_seconds", "idle_cpu_share", "door_decision_p99_ms"}
    assert all(value > 0 for value in {**result.figures, **result.baselines, **result.ratios}.values())
    assert result.figures["rss_mib"] > result.baselines["imports_rss_mib"], "the kiosk was there when it was looked at"
    assert result.settings["targets"] == kiosk.TARGETS, "what was promised stands beside what was measured"

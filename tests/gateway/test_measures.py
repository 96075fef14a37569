"""What a worker measures: figures that are never too low, reports of the time between, and what they cost."""

from datetime import timedelta

from factories import EVENING, StandingClock
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.measures import FINE_BITS, Histogram, Measures, bucket_of, upper_edge
from registry.gateway_reports import WORST
from residence.clock import rfc3339
from residence.wire.times import Times


def measured(clock=None, **changes):
    clock = clock or StandingClock()
    return Measures(**{"worker": "w", "shards": "0-63", "monotonic_ns": clock.monotonic_ns, **changes}), clock


def reported(measures, now=EVENING, **changes):
    return measures.report(now, **{"connection": "connected", "in_hand": 0, "oldest_ns": None, **changes})


def times(kept, state="synced"):
    return Times(boot_id="b", monotonic_ns=1, wall=kept if isinstance(kept, str) else rfc3339(kept), time_state=state)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_bucket_holds_its_duration_and_is_no_wider_than_a_sixteenth(microseconds):
    bucket = bucket_of(microseconds)
    low, high = upper_edge(bucket - 1) + 1 if bucket else 0, upper_edge(bucket)
    assert low <= microseconds <= high
    assert (high - low) * 2**FINE_BITS <= max(low, 1)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=200), st.sampled_from([0.5, 0.99]))
def test_a_quantile_is_never_too_low_and_at_most_a_sixteenth_too_high(durations, share):
    histogram = Histogram()
    for each in durations:
        histogram.add(each * 1000)
    ordered = sorted(durations)
    true = ordered[max(1, -int(-share * len(ordered) // 1)) - 1]
    assert true <= histogram.quantile_us(share) <= true * (1 + 2**-FINE_BITS) + 1


def test_a_duration_beyond_every_bucket_or_before_zero_is_still_counted():
    histogram = Histogram()
    histogram.add(-5)
    histogram.add(10**16)
    assert histogram.quantile_us(0.5) == 0
    assert histogram.quantile_us(0.99) == 2**32 - 1


def test_time_goes_to_the_stage_that_ends_and_a_pause_to_none():
    measures, clock = measured()
    for _ in range(3):
        measures.begin()
        clock.pass_time(milliseconds=1)
        measures.lap("collect")
        measures.taken()
        clock.pass_time(milliseconds=20)
        measures.lap("read")
        clock.pass_time(milliseconds=200)
        measures.begin()  # the registry was away
        clock.pass_time(milliseconds=5)
        measures.lap("commit")
        measures.answered(10, oldest_ns=None)
    report = reported(measures)
    assert {name: spread.total_ms for name, spread in report.stages.items()} == {"collect": 3, "read": 60, "commit": 15}
    assert 20 <= report.stages["read"].p50_ms <= 20 * 17 / 16
    assert report.batch.total_ms == 3 * 225
    assert (report.committed, report.seconds, report.batch_size_p50) == (30, 0.678, 10)
    assert round(report.rate) == round(30 / 0.678)


def test_a_report_that_could_not_be_written_is_part_of_the_next():
    measures, clock = measured()
    measures.came({"accepted": 2, "receipts not sent": 1}, {}, now=EVENING)
    clock.pass_time(seconds=3)
    assert reported(measures).seconds == 3
    clock.pass_time(seconds=3)
    measures.came({"accepted": 1}, {}, now=EVENING)
    both = reported(measures)
    assert (both.seconds, both.outcomes, both.receipts_not_sent) == (6, {"accepted": 3}, 1)
    measures.start_over()
    assert (reported(measures).seconds, reported(measures).outcomes) == (0, {})


def test_the_worst_kiosks_are_named_with_what_their_clock_is_worth():
    measures, _ = measured()
    kept = {f"kiosk-{number:02d}": times(EVENING - timedelta(seconds=number)) for number in range(40)}
    kept["kiosk-ahead"] = times(EVENING + timedelta(days=3 * 365), "rtc_only")
    kept["kiosk-nonsense"] = times("yesterday")
    measures.came({}, kept, now=EVENING)
    report = reported(measures)
    assert [each.kiosk_id for each in report.lags] == [f"kiosk-{number:02d}" for number in range(39, 39 - WORST, -1)]
    assert report.lags[0].seconds == 39
    assert report.clocks_ahead == 1


def test_the_oldest_unacknowledged_is_as_old_as_it_was_taken():
    measures, clock = measured(rss_mib=lambda: 120)
    taken = clock.monotonic_ns()
    clock.pass_time(seconds=2.5)
    report = reported(measures, in_hand=7, oldest_ns=taken)
    assert (report.oldest_unacked_seconds, report.in_hand, report.rss_mib) == (2.5, 7, 120)
    measures.begin()
    measures.answered(7, oldest_ns=taken)
    assert reported(measures).oldest_unacked_seconds == 2.5  # acknowledged meanwhile; how long it had waited is still said
    measures.start_over()
    assert reported(measures).oldest_unacked_seconds == 0


def test_the_clock_is_read_by_the_stage_and_never_by_the_message():
    reads = []

    def counting():
        reads.append(1)
        return len(reads)

    measures, _ = measured(monotonic_ns=counting)
    before = len(reads)
    measures.begin()
    measures.lap("read")
    measures.came({"accepted": 500}, {f"k{number}": times(EVENING) for number in range(500)}, now=EVENING)
    measures.answered(500, oldest_ns=0)
    assert len(reads) - before == 2

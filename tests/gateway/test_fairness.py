"""One kiosk's flood delays nobody else: turns by site, nothing lost, nothing acknowledged out of order."""

from collections import Counter
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fairness import Hand, Pace
from gateway.port import Delivery

UNHURRIED = Pace(at_once=10**9, per_second=1.0)


def deliveries(*senders):
    numbers = count(1)
    return [
        Delivery(topic=f"luutru/1/00/{site}/{kiosk}/d", payload=b"", connection=1, message_id=next(numbers))
        for site, kiosk in senders
    ]


def senders_of(batch):
    return [tuple(each.topic.split("/")[3:5]) for each in batch]


def drain(hand, limit):
    """Every batch until nothing waits, and what was acknowledged after each."""
    batches, acknowledged = [], []
    while batch := hand.choose(limit):
        batches.append(batch)
        acknowledged.append(hand.settle())
    return batches, acknowledged


SENDERS = st.tuples(st.sampled_from("abcde"), st.sampled_from("12"))
FLOODS = st.lists(st.tuples(SENDERS, st.integers(1, 40)), max_size=8).map(
    lambda runs: [sender for sender, times in runs for _ in range(times)]
)


@settings(deadline=None)
@given(arrivals=st.lists(FLOODS, max_size=5), limit=st.integers(1, 30), pace=st.builds(Pace, at_once=st.integers(1, 50)))
def test_nothing_is_lost_nothing_doubled_and_acknowledged_in_order_of_arrival(arrivals, limit, pace):
    hand, worked, released = Hand(pace), [], []
    everything = deliveries(*(sender for arrival in arrivals for sender in arrival))
    rest = iter(everything)
    for second, arrival in enumerate(arrivals):
        hand.add([next(rest) for _ in arrival], now_ns=second * 10**9)
        worked += hand.choose(limit)
        released += hand.settle()
    batches, acknowledged = drain(hand, limit)
    worked += [each for batch in batches for each in batch]
    released += [each for part in acknowledged for each in part]
    assert released == everything
    assert sorted(each.message_id for each in worked) == [each.message_id for each in everything]
    assert (len(hand), hand.waiting, hand.oldest_ns()) == (0, 0, None)


@settings(deadline=None)
@given(flood=FLOODS, limit=st.integers(1, 30))
def test_a_quiet_sites_message_waits_at_most_one_round_of_the_sites_in_hand(flood, limit):
    hand = Hand(UNHURRIED)
    hand.add(deliveries(*flood, ("quiet", "1")), now_ns=0)
    sites = len({site for site, _ in flood})
    order = [sender for batch in drain(hand, limit)[0] for sender in senders_of(batch)]
    assert order.index(("quiet", "1")) <= sites


@settings(deadline=None)
@given(flood=FLOODS)
def test_a_kiosks_own_messages_keep_their_order(flood):
    hand = Hand(UNHURRIED)
    hand.add(deliveries(*flood), now_ns=0)
    order = [each for batch in drain(hand, 7)[0] for each in batch]
    for sender in set(flood):
        mine = [each.message_id for each in order if tuple(each.topic.split("/")[3:5]) == sender]
        assert mine == sorted(mine)


def test_a_kiosk_that_names_a_new_site_each_time_takes_the_turn_of_its_own_site_only():
    hand = Hand(UNHURRIED, site_of={"loud": "hotel", "quiet": "block"}.get)
    made_up = [(f"site-{number}", "loud") for number in range(50)]
    hand.add(deliveries(*made_up, ("anywhere", "stranger"), ("nowhere", "other-stranger"), ("block", "quiet")), now_ns=0)
    assert [kiosk for _, kiosk in senders_of(hand.choose(4))] == ["loud", "stranger", "quiet", "loud"]


def test_within_a_site_a_quiet_kiosk_has_its_turn_beside_a_loud_one():
    hand = Hand(UNHURRIED)
    hand.add(deliveries(*[("hotel", "loud")] * 50, ("hotel", "quiet"), ("block", "1")), now_ns=0)
    assert set(senders_of(hand.choose(4))) == {("hotel", "loud"), ("hotel", "quiet"), ("block", "1")}


def test_beyond_its_pace_a_kiosk_comes_last_and_takes_the_room_that_is_left():
    hand = Hand(Pace(at_once=2, per_second=1.0))
    hand.add(deliveries(*[("a", "1")] * 10, *[("b", "1")] * 2, *[("c", "1")] * 2), now_ns=0)
    counts = [Counter(site for site, _ in senders_of(batch)) for batch in drain(hand, 6)[0]]
    assert counts == [{"a": 2, "b": 2, "c": 2}, {"a": 6}, {"a": 2}]


def test_a_pace_is_kept_by_time_that_passes():
    hand = Hand(Pace(at_once=1, per_second=1.0))
    hand.add(deliveries(("a", "1"), ("a", "1")), now_ns=0)
    hand.add(deliveries(("b", "1")), now_ns=0)
    assert senders_of(hand.choose(3)) == [("a", "1"), ("b", "1"), ("a", "1")]
    hand.settle()
    hand.add(deliveries(("a", "1"), ("b", "1")), now_ns=2 * 10**9)
    assert senders_of(hand.choose(2)) == [("a", "1"), ("b", "1")]


@settings(deadline=None)
@given(others=st.integers(1, 12), window=st.integers(20, 60), limit=st.integers(5, 10))
def test_who_is_always_last_is_still_served_within_a_window(others, window, limit):
    """Others refill the window for ever, as a broker would; the one beyond its pace still gets done."""
    hand, rounds = Hand(Pace(at_once=1, per_second=0.0)), 0
    hand.add(deliveries(("late", "1"), ("late", "1")), now_ns=0)
    names = count()
    served = 0
    while served < 2:
        room = window - len(hand)
        hand.add(deliveries(*[(f"site-{next(names) % (10**6)}", "1") for _ in range(min(room, limit + others))]), now_ns=0)
        served += senders_of(hand.choose(limit)).count(("late", "1"))
        hand.settle()
        rounds += 1
        assert rounds <= window  # the window is full of what is done before that


def test_until_it_is_committed_nothing_is_acknowledged():
    hand = Hand()
    hand.add(deliveries(*[("a", "1")] * 3, ("b", "1")), now_ns=7)
    first = hand.choose(2)
    assert senders_of(first) == [("a", "1"), ("b", "1")]
    assert (len(hand), hand.waiting, hand.oldest_ns()) == (4, 2, 7)
    assert hand.choose(2) == first  # the same batch again, after a registry that was away
    assert senders_of(hand.settle()) == [("a", "1")]  # b's turn came early; its acknowledgement waits for those before it
    assert len(hand) == 3

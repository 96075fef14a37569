"""Where webhooks may go, and how long a message is tried."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.choices import parse_choices
from residence.errors import Malformed, Refused
from residence.wire.webhook_reach import Reach
from residence.wire.webhooks import PAUSES, HookKey, pause_after

PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1",
    "192.88.99.1", "::", "::1", "fe80::1", "fd00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::",
    "2001:db8::1", "2001:0:0:0:0:0:80ff:fffe",
]  # fmt: skip
OPEN = ["1.1.1.1", "203.0.114.1", "2606:4700::1111", "::ffff:1.1.1.1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_network_is_written_to_in_whatever_form_it_is_written(address):
    assert not Reach().allows(ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_the_open_internet_is(address):
    assert Reach().allows(ip_address(address))


def test_a_network_that_was_opened_is_and_its_neighbour_is_not():
    reach = parse_choices(b'[webhooks]\nnetworks = ["10.20.0.0/16"]').webhooks
    assert [reach.allows(ip_address(each)) for each in ("10.20.3.4", "::ffff:10.20.3.4", "10.21.0.1")] == [True, True, False]


ADDRESSES = {
    "https://pms.example/hook?house=1": None,
    "https://pms.example:8443": None,
    "http://pms.example/": "webhook.not_https",
    "ftp://pms.example/": "webhook.not_https",
    "javascript:alert(1)": "webhook.not_https",
    "https://10.0.0.7/": "webhook.private_address",
    "https://[::1]/": "webhook.private_address",
    "https://user:word@pms.example/": "webhook.address_malformed",
    "https://pms.example/#part": "webhook.address_malformed",
    "https://": "webhook.address_malformed",
    "https://pms.example\\@10.0.0.7/": "webhook.address_malformed",
    "https://pms.example:0/": "webhook.address_malformed",
    "https://pms.example:99999/": "webhook.address_malformed",
    "https://pms.example/ x": "webhook.address_malformed",
    "https://khách.example/": "webhook.address_malformed",
    "https://pms.example/" + "x" * 500: "webhook.address_malformed",
    "": "webhook.address_malformed",
}


@pytest.mark.parametrize(("url", "code"), ADDRESSES.items())
def test_an_address_is_judged_before_it_is_kept(url, code):
    if code is None:
        assert Reach().check(url).scheme == "https"
        return
    with pytest.raises((Malformed, Refused)) as no:
        Reach().check(url)
    assert (no.value.code, no.value.pointer) == (code, "/url")


@given(st.integers(1, len(PAUSES)), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_and_are_spread_by_at_most_a_fifth(attempts, fraction):
    assert PAUSES[attempts - 1] <= pause_after(attempts, fraction=fraction) <= PAUSES[attempts - 1] * 1.2
    assert attempts == 1 or PAUSES[attempts - 1] > PAUSES[attempts - 2]


def test_a_message_is_tried_for_more_than_three_days_and_then_no_more():
    assert timedelta(days=3) < sum(PAUSES, timedelta()) < timedelta(days=4)
    assert pause_after(len(PAUSES) + 1, fraction=0.0) is None


def test_a_key_does_not_show_itself_by_accident():
    assert "whsec" not in repr(HookKey(signing="hmac", raw=bytes(32)))

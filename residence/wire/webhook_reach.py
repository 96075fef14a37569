"""Where a webhook may go: https, and never into a private network unless whoever runs this says which.

- An address is a URL with a host; user names, fragments and control characters are refused, as is anything longer than ``LONGEST``.
- A network address counts as private unless the whole internet routes it. One that carries another inside (IPv4 in IPv6, NAT64, 6to4,
  Teredo) is as private as the one inside.
- ``networks`` opens networks by name, for a system in the same building. Plain http is spoken only there, and only with ``plain_http``.
- A host's name is looked up each time it is used, and every address it has must be allowed: a name that moves gets nowhere.

>>> Reach().allows(ip_address("10.0.0.7")), Reach(networks=("10.0.0.0/24",)).allows(ip_address("::ffff:10.0.0.7"))
(False, True)
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from residence.errors import Malformed, Refused

LONGEST: Final = 500
IpAddress = IPv4Address | IPv6Address
NAT64: Final = ip_network("64:ff9b::/96")
# What no version of the library counts as private in every case: site-local, NAT64 of one's own, the relays of 6to4.
SHUT: Final = tuple(ip_network(each) for each in ("fec0::/10", "64:ff9b:1::/48", "192.88.99.0/24"))
Network = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-fA-F.:]+/[0-9]{1,3}$")]


class Reach(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is allowed besides https to the open internet."""

    networks: tuple[Network, ...] = ()
    plain_http: bool = False
    ca_file: str = ""  # certificates to trust instead of the system's
    answer_seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 15

    def allows(self, address: IpAddress) -> bool:
        """Tell whether this network address may be spoken to."""
        inner = carried(address)
        shut = inner.is_multicast or inner.is_reserved or any(inner in each for each in SHUT)
        return self.opens(inner) or (inner.is_global and not shut)

    def opens(self, address: IpAddress) -> bool:
        """Tell whether an address lies in one of the networks named."""
        inner = carried(address)
        return any(inner in ip_network(each, strict=False) for each in self.networks)

    def check(self, url: str) -> SplitResult:
        """Return the parts of an address that may be kept, or raise ``Malformed`` or ``Refused("webhook.*")``."""
        parts = split(url)
        try:
            literal = ip_address(parts.hostname or "")
        except ValueError:
            literal = None
        if literal is not None and not self.allows(literal):
            raise Refused("webhook.private_address", "/url")
        if parts.scheme == "http" and not self.plain_http:
            raise Refused("webhook.not_https", "/url")
        return parts


def split(url: str) -> SplitResult:
    """Take an address apart, or raise ``Malformed("webhook.address_malformed")``, ``Refused("webhook.not_https")``."""
    if not url or len(url) > LONGEST or not all("!" <= each <= "~" for each in url):
        raise Malformed("webhook.address_malformed", "/url")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise Malformed("webhook.address_malformed", "/url") from error
    if parts.scheme not in {"https", "http"}:
        raise Refused("webhook.not_https", "/url")
    if not host or port == 0 or parts.username is not None or parts.password is not None or parts.fragment or "\\" in url:
        raise Malformed("webhook.address_malformed", "/url")
    return parts


def carried(address: IpAddress) -> IpAddress:
    """Return the IPv4 address an IPv6 one carries inside, else the address."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    return inner or address

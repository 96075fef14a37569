"""Whose word is taken about who somebody is: OpenID providers as a file, none built in.

- Nothing here says that a provider exists or what it can do; whoever runs this writes down what they agreed on with it.
- ``acr``: the provider's own words for how sure it is, the weakest first. Below ``least_acr`` nobody comes in; a sensitive act asks
  for ``fresh_acr``. A word that is not in the list is worth nothing.
- ``number_claim``: the claim a provider states a person's 12-digit number in, believed for residents alone and only with ``least_acr``
  set. Left out, an identity opens what its holder bound it to and nothing else.
- Signatures of a shared secret are never taken. Plain http is spoken with this machine alone.

>>> Issuer(
...     name="x",
...     title=Said(vi="X", en="X"),
...     issuer="https://x.example",
...     client_id="c",
...     roles=("officer",),
...     acr=("low", "high"),
...     least_acr="high",
... ).is_sure("low")
False
"""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec

from residence.cases.queues import Name, Said
from residence.errors import Malformed
from server.policy import Role

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519"]
THIS_MACHINE: Final = frozenset({"127.0.0.1", "localhost", "::1"})
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Issuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider."""

    name: Name
    title: Said
    issuer: Short
    client_id: Short
    secret_file: str = ""  # relative to the file; none: a public client, PKCE alone
    roles: tuple[Role, ...]
    scopes: tuple[Short, ...] = ("openid",)
    algorithms: tuple[Algorithm, ...] = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
    acr: tuple[Short, ...] = ()
    least_acr: str = ""
    fresh_acr: str = ""
    number_claim: str = ""
    ca_file: str = ""  # certificates to trust instead of the system's
    secret: str = ""  # what stands in secret_file; never in the file itself

    def is_sure(self, acr: str | None, *, fresh: bool = False) -> bool:
        """Tell whether the provider is as sure as it has to be; ``fresh``: as for a sensitive act."""
        least = (self.fresh_acr or self.least_acr) if fresh else self.least_acr
        return not least or (acr in self.acr and self.acr.index(acr) >= self.acr.index(least))


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    issuer: tuple[Issuer, ...]


def read_issuers(text: bytes) -> tuple[Issuer, ...]:
    """Return the providers of a file, in its order, or raise ``Malformed("account.issuers")``."""
    try:
        issuers = msgspec.toml.decode(text, type=_File).issuer
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("account.issuers", "/issuer", str(error)) from error
    for place, each in enumerate(issuers):
        wrong = _wrong(each)
        if wrong:
            raise Malformed("account.issuers", f"/issuer/{place}/{wrong}")
    if len({each.name for each in issuers}) != len(issuers) or len({each.issuer for each in issuers}) != len(issuers):
        raise Malformed("account.issuers", "/issuer")
    return issuers


def _wrong(issuer: Issuer) -> str:
    """Return the field that cannot stand, or nothing."""
    fields = {
        "issuer": not is_reachable(issuer.issuer) or "?" in issuer.issuer or "#" in issuer.issuer,
        "roles": not issuer.roles,
        "scopes": "openid" not in issuer.scopes,
        "least_acr": bool(issuer.least_acr) and issuer.least_acr not in issuer.acr,
        "fresh_acr": bool(issuer.fresh_acr) and issuer.fresh_acr not in issuer.acr,
        "number_claim": bool(issuer.number_claim) and (not issuer.least_acr or "resident" not in issuer.roles),
        "secret": bool(issuer.secret),
    }
    return next((name for name, is_wrong in fields.items() if is_wrong), "")


def is_reachable(url: str) -> bool:
    """Tell whether an address may be asked: https, or this machine.

    >>> is_reachable("http://id.example/"), is_reachable("http://127.0.0.1:4000")
    (False, True)
    """
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in THIS_MACHINE))

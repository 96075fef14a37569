"""A registry of images asked for a digest, by the distribution specification's pull of a manifest.

- The manifest is fetched and hashed here: a digest is what its bytes say, and a registry that says another one is not believed.
- Who asks for a token first (Docker Hub does, also for what is public) is given an anonymous one; no account is ever used.
- Out of reach is ``Refused("release.image_unreachable")``: nobody is told a digest that was not looked at.

Example: ``digest_of(Image("python", "3.11.14-slim-bookworm"), mirror="")``
"""

from __future__ import annotations

import hashlib
import re
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from luutru.releases.images import Image
from residence.errors import Refused, Untrusted

HUB: Final = "https://registry-1.docker.io"
_SECONDS: Final = 30
_MOST: Final = 1 << 22  # bytes; a manifest has a few thousand
_KINDS: Final = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
_WORD: Final = re.compile(r'(\w+)="([^"]*)"')


def address_of(image: Image, *, mirror: str) -> str:
    """Return where an image's manifest is fetched; a mirror has all of them under the names Docker Hub gives them."""
    first, slash, rest = image.name.partition("/")
    if slash and ("." in first or ":" in first):
        return f"{mirror or f'https://{first}'}/v2/{rest}/manifests/{image.tag}"
    return f"{mirror or HUB}/v2/{image.name if slash else f'library/{image.name}'}/manifests/{image.tag}"


def digest_of(image: Image, *, mirror: str) -> str:
    """Return the digest of what a tag names now."""
    address = address_of(image, mirror=mirror)
    try:
        content, said = _fetched(address, token="")
    except (OSError, HTTPException, msgspec.MsgspecError, KeyError) as error:
        raise Refused("release.image_unreachable", "", f"{image.key}: {error}") from error
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if said not in {"", digest}:
        raise Untrusted("release.image_digest", "", f"{image.key}: {said}")
    return digest


def _fetched(address: str, *, token: str) -> tuple[bytes, str]:
    request = urllib.request.Request(address, headers={"accept": _KINDS})  # noqa: S310 - the operator's own registry
    if token:
        request.add_header("authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return answer.read(_MOST), answer.headers.get("docker-content-digest", "")
    except urllib.error.HTTPError as error:
        asked = error.headers.get("www-authenticate", "")
        if error.code != 401 or token or not asked.lower().startswith("bearer "):  # noqa: PLR2004 - HTTP's own
            raise
    return _fetched(address, token=_token(dict(_WORD.findall(asked)), asked_at=address))


def _token(words: dict[str, str], *, asked_at: str) -> str:
    realm = words.pop("realm")
    if urlsplit(realm).scheme != urlsplit(asked_at).scheme:
        raise OSError("a token is asked for by another scheme")
    with urllib.request.urlopen(f"{realm}?{urlencode(words)}", timeout=_SECONDS) as answer:  # noqa: S310
        told = msgspec.json.decode(answer.read(_MOST), type=dict[str, object])
    return str(told.get("token") or told["access_token"])

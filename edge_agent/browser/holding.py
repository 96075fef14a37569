"""The local page a browser shows when it is begun before the agent answers: "restarting" in every language, and off to the page once it is there.

- It is a file beside the browser's profile, so that it needs no agent; Chromium's own error page is never seen.
- Its script asks for the kiosk's page every second and knows only whether somebody answered. Asking is no sign of life of the kiosk's page: a browser
  that cannot get from here to there is started anew.

Example: ``holding_page("http://127.0.0.1:8800", ("vi", "en"))``
"""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from edge_agent.kiosk.texts import Texts, lang_tag
from firmware_config.profiles import Language


def holding_page(address: str, languages: Sequence[Language]) -> str:
    """Return the page."""
    templates = Environment(loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined)
    words = [(lang_tag(each), Texts(each)("restarting.title"), Texts(each)("restarting.text")) for each in languages]
    return templates.get_template("holding.html").render(address=address, words=words)

"""The kiosk's screens in the system's Chromium as they were sent: no agent, no script; one page, each state put in place of the last."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

from kiosk_states import page_of

from edge_agent.kiosk import texts

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "edge_agent" / "kiosk" / "static"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"lobby": (1280, 720), "tall": (1080, 1920), "small": (800, 480)}
TYPES = {".css": "text/css", ".svg": "image/svg+xml"}


@contextmanager
def still_page(driver):
    """Open a page that knows the kiosk's pictures and style sheets and runs none of its script."""
    browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
    try:
        page = browser.new_page()
        page.route("**/*", _serve)
        page.goto("http://kiosk.test/")
        yield page
    finally:
        browser.close()


def _serve(route):
    path = route.request.url.partition("http://kiosk.test")[2].partition("?")[0]
    if path == "/":
        route.fulfill(body=page_of("idle", "vi"), content_type="text/html; charset=utf-8")
    elif path.startswith("/static/") and path.endswith(tuple(TYPES)):
        route.fulfill(body=(STATIC / path.removeprefix("/static/")).read_text("utf-8"), content_type=TYPES[Path(path).suffix])
    elif path == "/receipt.svg":
        route.fulfill(body=(STATIC / "card.svg").read_text("utf-8"), content_type=TYPES[".svg"])
    else:
        route.abort()


def show(page, name, language, **how):
    """Put a state's screen where the script would put it, and wait for its pictures."""
    page.evaluate(
        """async ([html, tag]) => {
            document.documentElement.lang = tag;
            document.getElementById('kiosk').innerHTML = html;
            await Promise.all([...document.images].map((each) => each.decode().catch(() => {})));
        }""",
        [page_of(name, language, template="screen.html", **how), texts.lang_tag(language)],
    )

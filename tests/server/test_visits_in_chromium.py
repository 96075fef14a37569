"""An officer's phone where there is no network: the page opens, what was found is kept unreadable, and is sent once when there is one again."""

from __future__ import annotations

from pathlib import Path

from browser_parts import CHROMIUM, Window
from playwright import sync_api
from server_parts import World, free_address
from server_police import file_cases
from sqlalchemy import select

from registry import tables

AXE = (Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
# Everything this page's database holds, as text; what cannot be handed out shows as such.
STORED = """async () => {
  const store = await new Promise((done) => { const open = indexedDB.open("luutru-visits"); open.onsuccess = () => done(open.result); });
  const found = [];
  for (const name of store.objectStoreNames) {
    const all = await new Promise((done) => { const asked = store.transaction(name).objectStore(name).getAll(); asked.onsuccess = () => done(asked.result); });
    const bytes = (_, value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? new TextDecoder("latin1").decode(value)
      : value instanceof CryptoKey ? `extractable: ${value.extractable && value.type !== "public"}` : value;
    found.push(JSON.stringify(all, bytes));
  }
  return found.join();
}"""


def violations(window):
    session = window.context.new_cdp_session(window.page)
    session.send("Runtime.evaluate", {"expression": AXE})
    run = "axe.run({resultTypes: ['violations']}).then(found => found.violations.map(each => [each.id, each.nodes.map(node => node.html)]))"
    return session.send("Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True})["result"]["value"]


def kept(world):
    with world.registry.reading() as connection:
        return connection.execute(select(tables.visits.c.case_id, tables.visits.c.outcome, tables.visits.c.people)).all()


def keep(page, case_id, outcome, people=""):
    form = page.locator(f"[data-case='{case_id}'] form")
    form.locator("select").select_option(outcome)
    form.locator("input").fill(people)
    form.locator("button").click()


def test_visits_are_kept_without_a_network_and_sent_once_when_there_is_one(tmp_path):
    world = World(tmp_path, base_url=free_address())
    first, second = file_cases(world, 2, fresh=2)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with world.serving():
            window = Window(browser, world, "officer", width=390)
            page = window.page
            window.context.set_default_timeout(40_000)
            window.open("/police/visits/phone?queue=now")
            page.wait_for_selector(f"[data-case='{first}']")
            page.wait_for_function("navigator.serviceWorker.controller !== null")
            assert violations(window) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            keep(page, first, "visitor", "2")
            page.wait_for_selector(f"[data-case='{first}'] [data-kept]:has-text('Sent')")
        assert kept(world) == [(first, "visitor", 2)]

        page.reload()  # the server is gone: the page comes from the browser, the list with it
        page.wait_for_selector(f"[data-case='{second}']")
        keep(page, second, "nobody-there")
        page.wait_for_selector("[data-state]:has-text('Waiting to be sent: 1')")
        stored = page.evaluate(STORED)
        assert "nobody-there" not in stored
        assert "Hòa Bình" not in stored
        assert ("extractable: false" in stored, "extractable: true" in stored) == (True, False)
        page.reload()
        page.wait_for_selector(f"[data-case='{second}'] [data-kept]:has-text('Kept')")

        with world.serving():
            page.reload()
            page.wait_for_selector(f"[data-case='{second}'] [data-kept]:has-text('Sent')")
            page.reload()
            page.wait_for_selector("[data-state]:has-text('Connected.')")
        assert kept(world) == [(first, "visitor", 2), (second, "nobody-there", None)]
        browser.close()
    world.close()

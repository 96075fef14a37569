"""A list and a day's papers at a real browser, at a desk and on a phone: axe finds nothing, nothing overflows, the pieces go by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser_parts import CHROMIUM, Window
from playwright import sync_api
from server_parts import World, free_address

from registry.stays import stays_at

AXE = (Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
RUN_AXE = "axe.run({ resultTypes: ['violations'] }).then(found => found.violations.map(each => [each.id, each.nodes.map(node => node.html)]))"
NAMES = ("Một", "Hai", "Ba", "Bốn")
GOOD = "".join(f"Trần {name},1/2/1995,Nam,201,10/07/2026,11/07/2026\n" for name in NAMES)
LIST = f"Họ tên,Ngày sinh,Giới,Phòng,Ngày đến,Ngày đi\n{GOOD}Lê Thị Thử,31/02/1990,Nữ,202,10/07/2026,11/07/2026\n"


@pytest.fixture
def world(tmp_path, monkeypatch):
    for module in ("registry.guest_lists", "server.desk.list_giving", "server.desk.list_view"):
        monkeypatch.setattr(f"{module}.PIECE", 2)  # as many steps as a list of thousands
    made = World(tmp_path, base_url=free_address())
    with made.serving():
        yield made
    made.close()


def looks_well(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(AXE)
    assert page.evaluate(RUN_AXE) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_list_goes_from_the_file_to_the_receipts_by_itself(world, tmp_path):
    file = tmp_path / "khach.csv"
    file.write_text(LIST, "utf-8")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        clerk = Window(browser, world, "clerk")
        page = clerk.page
        clerk.open("/desk/import")
        looks_well(page, 1440)
        page.set_input_files("#file", str(file))
        page.click("main button")
        page.wait_for_selector("text=Nobody of this list can be declared")  # no column of reasons, and nothing said for all
        looks_well(page, 390)
        page.click("summary")
        page.select_option("#reason", "tourism")
        page.select_option("#column-sex", "Giới")
        looks_well(page, 1440)
        page.click("text=Check again with these")
        page.wait_for_selector("text=Can be declared: 4")
        page.click("text=Declare these guests")
        page.wait_for_selector("text=/Declared: 4/")  # as it is written: "Can be declared" is the page before
        looks_well(page, 390)
        with page.expect_download() as download:
            page.click("text=The lines to correct, as a file")
        assert "import.date" in Path(download.value.path()).read_text("utf-8-sig")
        clerk.open("/desk/statements")
        looks_well(page, 390)
        clerk.open("/language/vi?back=/desk/statements")
        looks_well(page, 1440)
        assert clerk.complaints == []
        browser.close()
    with world.registry.reading() as connection:
        assert len(stays_at(connection, "htl-sao-mai")) == len(NAMES)

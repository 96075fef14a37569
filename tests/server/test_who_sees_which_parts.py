"""What a desk's pages hold for whom: who only looks is shown nothing that refuses, and who declares is heard at every page with a scanner."""

from __future__ import annotations

import re
from html import unescape

from factories import make_person
from server_lodgers import lodge
from server_parts import World
from sqlalchemy import update

from registry import tables

LINK = re.compile(r'href="(/desk[^"#]*)')
FORM = re.compile(r'<form method="post" action="(/desk[^"]*)".*?</form>', re.DOTALL)
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')
LIST = "name\troom\nNobody Known\t202\n"


def shown_to(client, start, *, typed):
    """Walk every link of the desk from a page and press every button; return what was refused."""
    waiting, seen, refused = [start], set(), []
    while waiting:
        path = waiting.pop()
        shape = re.sub(r"[0-9a-f-]{36}|\d{4}-\d\d-\d\d[^&]*", "*", path)
        if shape in seen:
            continue
        seen.add(shape)
        answer = client.get(path)
        if answer.status_code == 403:
            refused.append(path)
        pages = [answer.text] if "html" in answer.headers["content-type"] else []
        for form in FORM.finditer("".join(pages)):
            sent = client.post(unescape(form[1]), data=dict(HIDDEN.findall(form[0])) | typed)
            pages.append(sent.text if form[1] == "/desk/house" else "")
            if sent.status_code == 403:
                refused.append(form[1])
        waiting += [unescape(each) for page in pages for each in LINK.findall(page)]
    return refused, seen


def test_nothing_is_shown_that_only_refuses(world: World):
    world.declare_guest()
    lodge(world)
    guest = make_person(full_name="Phạm Thị Thử Nghiệm", personal_number="001195000222", sex="female", document=None)
    world.see_somebody(premises_id="htl-sao-mai", unit=None, for_desk=True, person=guest)
    with world.registry.writing() as connection:
        connection.execute(
            update(tables.accounts).where(tables.accounts.c.account_id == "acc-clerk").values(reads_only=["htl-sao-mai"])
        )
    refused, seen = shown_to(world.client("clerk"), "/desk", typed={"list": LIST, "code": "x"})
    assert refused == [], refused
    assert {"/desk/stays/*", "/desk/receipts/*", "/desk/house?premises=htl-sao-mai", "/desk/lodgers?premises=htl-sao-mai"} <= seen


def test_every_page_a_clerk_sits_before_hears_a_scanner(world):
    world.declare_guest()
    plain = world.client("clerk")
    stay = re.search(r"/desk/stays/[0-9a-f-]{36}", plain.get("/desk").text)[0]
    pages = ["/desk", "/desk/declare", stay, f"{stay}/correct", "/desk/house", "/desk/closes", "/desk/check", "/desk/statements"]
    assert [
        each for each in pages if "desk_scan.js" not in plain.get(each).text or " data-scan" not in plain.get(each).text
    ] == []

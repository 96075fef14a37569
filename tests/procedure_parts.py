"""A person's form of a procedure, filled in as a browser does."""

from __future__ import annotations

import re

from server_parts import csrf_of

STAY = {"first": "2026-07-10", "last": "2026-12-31"}


def inputs(page):
    """Return name -> value of every field a person can write into."""
    tags = [each for each in re.findall(r"<input[^>]*>", page) if "govuk-input" in each]
    return {re.search(r'name="(\w+)"', each)[1]: (re.search(r'value="([^"]*)"', each) or ["", ""])[1] for each in tags}


def filed(client, kind="temporary-residence", **said):
    offered = inputs(client.get(f"/me/procedures/new/{kind}").text)
    given = offered | STAY | said
    answer = client.post(f"/me/procedures/new/{kind}", data={**given, "csrf": csrf_of(client), "place": "0"})
    assert answer.status_code == 200, answer.text
    return str(answer.url).rpartition("/")[2]


def fields_asked(page):
    return set(inputs(page))

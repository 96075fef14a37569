"""Guided paths for tests of pages: begun as a front desk would, walked as an officer would."""

from __future__ import annotations

import re
import secrets

from server_parts import COMMUNE, csrf_of

from registry.numbering import Means
from registry.paths import Beginning, Taken, begin_path, step_path
from residence.paths.steps import HelperKind, Situation

CODE = re.compile(r"luutru-code\">([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})<")


def begin_at_desk(world, **fields) -> str:
    """Begin a path at the hotel's desk; returns the slip's code."""
    clerk = world.client("clerk")
    said = {
        "csrf": csrf_of(clerk),
        "premises": "htl-sao-mai",
        "situation": "no-papers",
        "called": "Cô Bình Thử",
        "words": "I lost everything",
    } | fields
    answer = clerk.post("/desk/paths?in=en", data=said)
    assert answer.status_code == 200, answer.text
    return CODE.search(answer.text)[1]


def open_by_code(officer, code) -> str:
    """Return the address of a path's page, found by its slip."""
    answer = officer.post("/police/paths/find", data={"csrf": csrf_of(officer), "code": code})
    assert answer.status_code == 200, answer.text
    return re.search(r"/police/paths/[0-9a-f-]{36}", str(answer.url))[0]


def step(client, path, name, **fields):
    """Take one step and return the answer."""
    return client.post(path, data={"csrf": csrf_of(client), "step": name} | fields)


def follow(world, code, language="en"):
    """Look with a slip, without an account."""
    person = world.client()
    return person.post("/paths", data={"csrf": csrf_of(person), "code": code, "in": language})


def take_a_path(world) -> str:
    """Let an officer have taken a path of somebody without a home; returns its id."""
    means = Means(vault=world.vault, now=world.clock.now(), random_bytes=secrets.token_bytes)
    said = Beginning(
        situation=Situation.NO_HOME,
        way="office",
        commune_code=COMMUNE,
        called="Cô Bình Thử",
        words="no roof",
        helper_kind=HelperKind.FAMILY,
    )
    with world.registry.writing() as connection:
        begun = begin_path(connection, said, means=means)
        step_path(connection, begun.path_id, Taken(step="take", by="acc-officer"), means=means)
    return begun.path_id

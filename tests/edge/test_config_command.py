"""The whole ceremony by the commands of docs/configuration.md, and a rollout that goes on only while kiosks are well."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest
from configuration_parts import served
from kiosk_page_parts import LOBBY
from typer.testing import CliRunner

from edge_agent.configuration.fetching import Fetching
from firmware_config.signed.paths import document_path, place_of
from firmware_config.signed.words import read_words
from luutru.benchmarks.fleet import Fleet
from luutru.commands.config import app
from luutru.opening import open_registry
from luutru.system import random_bytes
from registry.database import upgrade
from registry.kiosks import keep_state
from residence.clock import rfc3339
from residence.wire.state import KioskState

KIOSKS = ["kiosk-000", "kiosk-001", "kiosk-002", "kiosk-003"]


def run(*words, code=0):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def authority(tmp_path):
    """A folder after the ceremony, with settings for four kiosks to publish."""
    (tmp_path / "word").write_text("mười hai con giáp\n", "utf-8")
    word = ("--word-file", tmp_path / "word")
    for name in ("a", "b", "targets", "online", "ward-01"):
        run("key", tmp_path / f"{name}.key", *word)
    public = {name: tmp_path / f"{name}.key.pub" for name in ("a", "b", "targets", "online")}
    served_from = tmp_path / "served"
    others = ("--targets", public["targets"], "--online", public["online"])
    assert "configuration.holders" in run("root", served_from, "--holder", public["a"], *others, code=1)
    run("root", served_from, "--holder", public["a"], "--holder", public["b"], *others)
    assert "more holders have to sign" in run("sign", served_from, "--key", tmp_path / "a.key", *word)
    assert "more holders have to sign" in run("sign", served_from, "--key", tmp_path / "a.key", *word), "one holder twice is one"
    assert "the root is complete" in run("sign", served_from, "--key", tmp_path / "b.key", *word)
    keys = ("--targets", tmp_path / "targets.key", "--online", tmp_path / "online.key", *word)
    run("begin", served_from, *keys)
    run("delegate", served_from, "ward-01", "--key", tmp_path / "ward-01.key", *keys)
    for each in KIOSKS:
        (tmp_path / "kiosks" / each).mkdir(parents=True)
        (tmp_path / "kiosks" / each / "kiosk.toml").write_text(LOBBY.replace("kiosk-lobby-1", each), "utf-8")
    return tmp_path


def publish(folder, *more, code=0):
    keys = ("--key", folder / "ward-01.key", "--online", folder / "online.key", "--word-file", folder / "word")
    answer = run(
        "publish", folder / "served", "ward-01", folder / "kiosks", *keys, "--release", "2026-12", "--json", *more, code=code
    )
    return answer if code else json.loads(answer)


def test_what_is_published_by_commands_is_what_a_kiosk_gets(authority, tmp_path):
    assert publish(authority) == {"kiosks": 4, "chosen": 4, "changed": KIOSKS}
    assert publish(authority)["changed"] == []
    root = (authority / "served" / "metadata" / "1.root.json").read_bytes()
    with served(authority / "served") as url:
        heard = []
        path = document_path("ward-01", "kiosk-002")
        kiosk = Fetching(tmp_path / "kiosk", url=url, root=root, path=path, heard=heard.append)
        wanted = (authority / "kiosks" / "kiosk-002" / "kiosk.toml").read_bytes()
        found = kiosk.fetch(datetime.now(UTC))
    assert found.files == {"kiosk.toml": wanted}
    assert timedelta(0) <= datetime.now(UTC) - heard[0] < timedelta(minutes=5), (
        "and when it was signed, which no clock may be before"
    )
    assert found.name in run("show", authority / "served", "ward-01")
    (authority / "kiosks" / "kiosk-003" / "kiosk.toml").write_text(LOBBY, "utf-8")
    assert "configuration.another_kiosk" in publish(authority, code=1)
    (authority / "kiosks" / "kiosk-003" / "kiosk.toml").write_text("[kiosk]\nname_of = 3\n", "utf-8")
    assert "profile." in publish(authority, code=1), "an unknown key is found before it travels"
    (authority / "kiosks" / "kiosk-003" / "rules-mine.toml").write_text("no = rule", "utf-8")
    assert "choices." in publish(authority, code=1), "and so is a rule set that cannot be used"


def test_a_rollout_takes_the_same_share_each_time_and_stops_while_a_kiosk_is_in_trouble(authority, tmp_path):
    now = datetime.now(UTC)
    first = min(KIOSKS, key=place_of)
    share = place_of(first) + 1
    assert publish(authority, "--share", share)["changed"] == [first]
    assert publish(authority, "--share", share)["changed"] == []
    if share > 1:
        nobody = publish(authority, "--share", 1, code=1)
        assert "configuration.nobody_chosen" in nobody, "a step that reaches nobody is none"
        assert f"--share {share}" in nobody

    url = f"sqlite:///{tmp_path / 'registry.db'}"
    upgrade(url)
    registry = open_registry(url, tmp_path / "vault")

    def says(told):
        with registry.writing() as connection:
            says.session += 1
            state = KioskState(
                kiosk_id=first,
                session=says.session,
                online=True,
                at=rfc3339(now),
                readers={"camera": "ok", "configuration": told},
            )
            assert keep_state(connection, state, now=now)

    says.session = 0
    try:
        with registry.writing() as connection:
            fleet = Fleet(kiosks=4, now=now, random_bytes=random_bytes, keys=tmp_path / "fleet")
            fleet.enrol(connection, vault=registry.vault, now=now)
        asked = ("--registry", url)
        says("degraded:configuration.taken_back")
        stopped = publish(authority, *asked, code=1)
        assert "configuration.rollout_stopped" in stopped
        assert first in stopped
        assert publish(authority, *asked, "--errors", "1", "--share", share)["changed"] == []
        says("ok:0123456789ab")
        waits = publish(authority, *asked, code=1)
        assert "configuration.rollout_waits" in waits, "it is well, and works by the settings before"
        assert first in waits
        (name,) = json.loads(run("show", authority / "served", "ward-01", "--json")).values()
        says(f"ok:{name}")
        assert publish(authority, *asked)["changed"] == [each for each in KIOSKS if each != first]
    finally:
        registry.close()


def test_words_go_out_by_the_same_shares_and_what_no_kiosk_would_take_is_refused_here(authority, tmp_path):
    publish(authority)
    words = tmp_path / "words"
    words.mkdir()
    built_in = resources.files("edge_agent.kiosk").joinpath("locale", "ko", "LC_MESSAGES", "kiosk.po").read_text("utf-8")
    (words / "ko.po").write_text(built_in.replace('msgid "done"\nmsgstr "완료"', 'msgid "done"\nmsgstr "끝"'), "utf-8")
    keys = ("--key", authority / "ward-01.key", "--online", authority / "online.key", "--word-file", authority / "word")

    def send(*more, code=0):
        return run("words", authority / "served", "ward-01", words, *keys, "--release", "2026-12", *more, code=code)

    share = place_of(min(KIOSKS, key=place_of)) + 1
    sent = json.loads(send("--share", share, "--json"))
    assert (sent["kiosks"], sent["chosen"], sent["changed"]) == (4, 1, ["ward-01/words/words.json"])
    assert json.loads(send("--json"))["name"] == sent["name"], "the same words have the same name, whoever takes them"
    root = (authority / "served" / "metadata" / "1.root.json").read_bytes()
    with served(authority / "served") as url:
        kiosk = Fetching(tmp_path / "kiosk", url=url, root=root, path=document_path("ward-01", "kiosk-002"))
        kiosk.fetch(datetime.now(UTC))
        assert read_words(kiosk.also("ward-01/words/words.json")).words["ko"]["done"] == ("끝",)
    (words / "ko.po").write_text(built_in.replace('msgid "done"\n', 'msgid "done.otherwise"\n'), "utf-8")
    assert "words.missing" in send(code=1)
    (words / "ko.po").write_text(built_in.replace('msgstr "완료"', 'msgstr "<i>완료</i>"'), "utf-8")
    assert "words.refused" in send(code=1)
    (words / "ko.po").write_text("msgid done", "utf-8")
    assert "words.malformed" in send(code=1)
    (words / "ko.po").rename(words / "th.po")
    assert "words.malformed" in send(code=1)

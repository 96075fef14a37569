"""``luutru registry`` and the invented commune."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry.database import newest_revision
from registry.seed import PLANTED, PREMISES, RESIDENTS, demo_card_payloads, demo_residents
from residence.credentials.card_qr import parse_card
from residence.errors import has_errors
from residence.people.personal_number import check_personal_number


def run(tmp_path: Path, *words: str) -> tuple[int, dict]:
    where = ["--registry", f"sqlite:///{tmp_path}/registry.db"]
    if words[0] != "upgrade":
        where += ["--vault", str(tmp_path / "vault")]
    result = CliRunner().invoke(app, [*words, *where, "--json"])
    return result.exit_code, msgspec.json.decode(result.stdout)


def test_create_seed_and_check_answer_as_documented(tmp_path: Path) -> None:
    status, made = run(tmp_path, "create")
    assert (status, made["ok"], made["revision"]) == (0, True, newest_revision())
    status, seeded = run(tmp_path, "seed")
    assert (status, seeded["counts"]["persons"], seeded["rejected"]) == (0, RESIDENTS, [])
    assert seeded["seconds"] > 0
    status, checked = run(tmp_path, "check")
    assert (status, checked["ok"], checked["problems"]) == (0, True, [])
    assert checked["counts"]["residences"] == RESIDENTS
    assert run(tmp_path, "cleaning", "run", "--whole")[1]["new"] == dict.fromkeys(PLANTED, 1)  # what is planted, and nothing else
    found = run(tmp_path, "cleaning", "list")[1]["items"]
    assert {each["rule"]: each["evidence"][0][1] for each in found} == PLANTED


def test_a_registry_that_exists_is_not_made_again_but_can_be_upgraded_and_seeded_once(tmp_path: Path) -> None:
    run(tmp_path, "create")
    assert run(tmp_path, "create")[0] == 1
    assert run(tmp_path, "upgrade")[0] == 0
    run(tmp_path, "seed")
    assert run(tmp_path, "seed")[1]["counts"]["persons"] == 0


def test_checking_before_creating_says_what_to_do(tmp_path: Path) -> None:
    status, answer = run(tmp_path, "check")
    assert (status, answer["problems"]) == (1, ["registry.not_upgraded"])


def test_a_wrong_vault_is_noticed(tmp_path: Path) -> None:
    run(tmp_path, "create")
    run(tmp_path, "seed")
    for path in (tmp_path / "vault" / "periods").iterdir():
        path.unlink()
    status, answer = run(tmp_path, "check")
    assert status == 1
    assert answer["problems"]


def test_people_get_readable_words(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", "--registry", f"sqlite:///{tmp_path}/none.db", "--vault", str(tmp_path / "vault")])
    assert result.exit_code == 1
    assert "luutru registry upgrade" in result.stdout


def test_the_invented_commune_is_the_same_every_time_and_fits_together() -> None:
    residents = demo_residents()
    assert residents == demo_residents()
    assert len(residents) == RESIDENTS
    assert len({each.person.personal_number for each in residents}) == RESIDENTS
    places = {each.premises_id: each.units for each in PREMISES}
    for each in residents:
        assert each.unit is None or each.unit in places[each.premises_id]
        assert (
            check_personal_number(each.person.personal_number or "", sex=each.person.sex, birth=each.person.birth, pointer="/n")
            == ()
        )


@pytest.mark.parametrize("payload", demo_card_payloads())
def test_every_demo_card_reads_without_an_error(payload: str) -> None:
    card = parse_card(payload, today=date(2026, 7, 10))
    assert not has_errors(card.problems), card.problems


def test_the_cards_shown_to_the_demo_kiosks_belong_to_the_invented_commune() -> None:
    deck = Path(__file__).parents[2] / "edge_agent" / "sim" / "deck.txt"
    texts = [line for line in deck.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert set(texts) <= set(demo_card_payloads())

"""Country codes in a machine-readable zone: which are known, and what an unknown one is."""

from __future__ import annotations

from datetime import date

import pytest
from babel.core import get_global

from residence.credentials.country_codes import COUNTRY_CODES, is_country_code
from residence.credentials.mrz import parse_mrz

TODAY = date(2026, 7, 10)


def test_every_three_letter_alias_of_a_territory_in_use_is_known():
    aliases = get_global("territory_aliases")
    given_up = {"ANT", "BUR", "DDR", "FXX", "NTZ", "SCG", "SUN", "TMP", "YMD", "YUG", "ZAR", "CSK", "PCI", "NLA"}
    reserved = {"ASC", "CPT", "DGA", "TAA", "AAA", "ZZZ"}  # for other uses than documents
    codes = {code for code in aliases if len(code) == 3 and code.isalpha() and code[0] not in "QX"} | {"QAT"}
    assert codes - given_up - reserved <= COUNTRY_CODES


@pytest.mark.parametrize("text", ["VNM", "D<<", "GBN", "XXA", "UNO"])
def test_a_documents_own_codes_are_known_too(text):
    assert is_country_code(text)


@pytest.mark.parametrize(("place", "code"), [((0, 2), "VNN"), ((1, 10), "BHL")], ids=["issuer", "nationality"])
def test_an_unknown_code_is_a_warning_with_its_place_and_refuses_nobody(place, code):
    lines = ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]
    row, first = place
    lines[row] = lines[row][:first] + code + lines[row][first + 3 :]

    found = [each for each in parse_mrz(lines, today=TODAY).problems if each.code == "mrz.country_unknown"]

    assert [(each.severity, each.pointer) for each in found] == [("warning", f"/lines/{row}")]
    assert code in found[0].message.en

"""The declare form of the desk as a browser without scripts sends it."""

from __future__ import annotations

import re

from server_parts import csrf_of

ADULT = "001095000117|012345678|Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"


def opened(answer):
    """Return the fields of the declare form as a page shows it."""
    page = answer.text[answer.text.rindex("data-declare") :]
    fields = dict(re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', page))
    chosen = re.findall(r'<select[^>]*name="(\w+)".*?</select>', page, re.DOTALL)
    for name in chosen:
        block = re.search(rf'<select[^>]*name="{name}".*?</select>', page, re.DOTALL)[0]
        found = re.search(r'<option value="([^"]*)" selected', block)
        fields[name] = found[1] if found else ""
    return {name: value for name, value in fields.items() if name not in {"sex", "attested", "recall"}}


def scan(clerk, text=ADULT, *, party=""):
    return opened(clerk.post("/desk/read", data={"csrf": csrf_of(clerk), "card_text": text, "party": party}))


def declare(clerk, form, **typed):
    return clerk.post("/desk/declare", data=form | {"sex": "male"} | typed)

"""A small register in which every rule of cleaning has somebody to find, and somebody like them who is in order."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from factories import EVENING
from importing_parts import desk
from sqlalchemy import update

from registry import tables
from registry.changing import Cause, change_row
from registry.cleaning.deciding import Choice, Reason, decide, preview, undo
from registry.cleaning.listing import items_of
from registry.cleaning.passing import Pace, run_passes
from registry.database import Registry
from registry.importing.mapping import Mapping
from residence.cleaning.rules import CleaningChoices

COMMUNE = "demo-01"
LATER = EVENING + timedelta(hours=1)
SOURCE = Mapping(source="register")
PREMISES = (
    ["premises_ref", "commune_code", "kind", "name", "capacity", "owner_name"],
    ["p-1", COMMUNE, "household", "Nhà một", "9", "Công ty Mẫu"],
    ["p-2", COMMUNE, "household", "Nhà hai", "1", ""],
)
HOUSEHOLDS = (
    ["household_ref", "commune_code", "premises_ref", "unit", "formed_on"],
    *([f"h-{number}", COMMUNE, place, "", "2010-01-01"] for number, place in ((1, "p-1"), (2, "p-1"), (3, "p-2"), (4, "p-2"))),
)
PEOPLE = [
    "person_ref", "commune_code", "full_name", "birth", "sex", "personal_number", "old_number", "phone", "status", "household_ref", "premises_ref",
    "relation", "residence_kind", "valid_from", "valid_to",
]  # fmt: skip
# One line each: who must be found, and beside them whoever is like them and in order.
LINES = {
    "head": ("Trần Văn Một", "1960-02-01", "male", "001060000101", "", "0912 000 101", "living", "h-1", "p-1", "head", "permanent"),
    "child": ("Trần Thị Hai", "1990-02-01", "female", "001190000102", "", "+84 912 000 101", "living", "h-1", "p-1", "child", "permanent"),
    "young": ("Lê Văn Ba", "1965-02-01", "male", "001065000103", "", "", "living", "h-1", "p-1", "child", "permanent"),
    "other-head": ("Lê Văn Bốn", "1970-03-01", "male", "001070000104", "", "", "living", "h-2", "p-1", "head", "permanent"),
    "second-head": ("Lê Thị Năm", "1971-03-01", "female", "001171000105", "", "", "living", "h-2", "p-1", "head", "permanent"),
    "sex": ("Phạm Văn Sáu", "1980-03-01", "male", "001180000106", "", "", "living", "h-3", "p-2", "head", "permanent"),
    "birth": ("Phạm Văn Bảy", "1982-03-01", "male", "001081000107", "", "", "living", "h-4", "p-2", "other", "permanent"),
    "oldest": ("Phạm Thị Tám", "1885-03-01", "female", "", "012345608", "", "living", "h-4", "p-2", "other", "permanent"),
    "dead": ("Võ Văn Chín", "1940-03-01", "male", "001040000109", "012345609", "0912 000 101", "deceased", "h-4", "p-2", "other", "permanent"),
    "phone": ("Võ Thị Mười", "1985-03-01", "female", "001185000110", "", "0912000101", "living", "h-4", "p-2", "other", "temporary"),
    "same-number": ("Đỗ Văn Khác", "1960-05-01", "male", "001060000101", "", "", "living", "h-4", "p-2", "other", "temporary"),
}  # fmt: skip
FOUND = {
    "household_several_heads": ["h-2"],
    "household_no_head": ["h-4"],
    "premises_no_owner": ["p-2"],
    "premises_over_capacity": ["p-2"],
    "number_shared": ["head,same-number"],
    "number_against_sex": ["sex"],
    "number_against_birth": ["birth"],
    "old_number_unlinked": ["oldest"],
    "phone_shared": ["child,head,phone"],
    "residences_overlap": ["child"],
    "age_implausible": ["oldest"],
    "family_implausible": ["head,young"],
    "dead_but_active": ["dead"],
}


@dataclass
class Register:
    """A small register in which every rule has something to find, and the clock of who looks after it."""

    registry: Registry
    names: dict[str, str]
    now: datetime = LATER

    def run(self, *, whole=True, page=3, **choices):
        return run_passes(
            self.registry,
            choices=CleaningChoices(**choices),
            now=self.now,
            random_bytes=secrets.token_bytes,
            whole=whole,
            pace=Pace(page=page),
        )

    def items(self, rule=None, state="open"):
        with self.registry.reading() as connection:
            return [each for each in items_of(connection, state=state, rule=rule) if each.commune_code == COMMUNE]

    def found(self):
        with self.registry.reading() as connection:
            links = connection.execute(tables.cleaning_links.select()).all()
        about = {each.item_id: [] for each in self.items()}
        for link in links:
            if link.item_id in about:
                about[link.item_id].append(self.names.get(link.about_id, link.about_id))
        told = {}
        for item in self.items():
            told.setdefault(item.rule, []).append(",".join(sorted(about[item.item_id])))
        return {rule: sorted(whom) for rule, whom in told.items()}

    def look(self, rule, **chosen):
        with self.registry.reading() as connection:
            return preview(connection, Choice(commune_code=COMMUNE, rule=rule, **chosen))

    def settle(self, rule, outcome, token=None, words="asked at the door"):
        choice = Choice(commune_code=COMMUNE, rule=rule)
        token = token or self.look(rule).token
        with self.registry.writing() as connection:
            return decide(
                connection, (choice, token), outcome, reason=Reason(account_id="officer-1", words=words), now=self.now,
                random_bytes=secrets.token_bytes,
            )  # fmt: skip

    def take_back(self, batch_id, words="the wrong list", commune=COMMUNE):
        with self.registry.writing() as connection:
            return undo(
                connection, batch_id, commune_code=commune, reason=Reason(account_id="officer-2", words=words), now=self.now,
                random_bytes=secrets.token_bytes,
            )  # fmt: skip

    def id_of(self, name):
        return next(own_id for own_id, each in self.names.items() if each == name)

    def rows(self, table):
        with self.registry.reading() as connection:
            return connection.execute(table.select()).all()

    def correct(self, table, row_id, **values):
        cause = Cause(kind="account", cause_id="officer-1", reason="asked at the door")
        with self.registry.writing() as connection:
            change_row(connection, table, row_id, values, cause=cause, now=self.now, random_bytes=secrets.token_bytes)

    def change(self, table, name, **values):
        column = table.c.person_id if "person_id" in table.c else next(iter(table.primary_key))
        if table is tables.persons:
            values |= {"changed_at": self.now}
        with self.registry.writing() as connection:
            connection.execute(update(table).where(column == self.id_of(name)).values(**values))


def fill(registry: Registry, folder) -> Register:
    import_desk = desk(registry, folder)
    for kind, rows in (("premises", PREMISES), ("households", HOUSEHOLDS)):
        import_desk.take(import_desk.file(f"{kind}.csv", rows, SOURCE), kind, SOURCE)
    rows = [[ref, COMMUNE, *line, "2020-01-15", ""] for ref, line in LINES.items()]
    rows.append(["child", COMMUNE, *LINES["child"][:7], "", "p-2", "", "permanent", "2021-01-15", ""])
    rows.append(["head", COMMUNE, *LINES["head"][:7], "", "p-2", "", "temporary", "2021-01-15", "2022-01-14"])
    report, rejected = import_desk.take(import_desk.file("residents.csv", [PEOPLE, *rows], SOURCE), "residents", SOURCE)
    assert (rejected, report.counts["persons"]) == ([], len(LINES))
    means = replace(import_desk.means(), source=SOURCE.source)
    names = {means.row_id("person", f"ref\n{ref}"): ref for ref in LINES}
    names |= {means.row_id("household", f"h-{number}"): f"h-{number}" for number in (1, 2, 3, 4)}
    return Register(registry, names)

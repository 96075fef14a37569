"""All tables of the registry by name; import this module, not its parts.

- The parts are grouped by what changes together; the migration is tested equal to ``metadata``.

Example: ``connection.execute(select(tables.stays.c.stay_id))``
"""

from __future__ import annotations

from registry.columns import metadata
from registry.tables_accounts import accounts, passkeys, sessions, setup_links, sign_in_audit
from registry.tables_duplicates import duplicate_pairs
from registry.tables_imports import import_batches, imported_rows, imports
from registry.tables_oversight import (
    access_records,
    case_events,
    cases,
    deletion_reports,
    gateway_reports,
    keys,
    kiosks,
    notices,
    outages,
    rule_sets,
)
from registry.tables_people import (
    households,
    identifiers,
    name_tokens,
    person_versions,
    persons,
    premises,
    residences,
    subject_keys,
    units,
)
from registry.tables_stays import (
    declarations,
    finding_links,
    findings,
    letter_events,
    presences,
    quarantine,
    receipts,
    stay_versions,
    stays,
)

__all__ = [
    "access_records",
    "accounts",
    "case_events",
    "cases",
    "declarations",
    "deletion_reports",
    "duplicate_pairs",
    "finding_links",
    "findings",
    "gateway_reports",
    "households",
    "identifiers",
    "import_batches",
    "imported_rows",
    "imports",
    "keys",
    "kiosks",
    "letter_events",
    "metadata",
    "name_tokens",
    "notices",
    "outages",
    "passkeys",
    "person_versions",
    "persons",
    "premises",
    "presences",
    "quarantine",
    "receipts",
    "residences",
    "rule_sets",
    "sessions",
    "setup_links",
    "sign_in_audit",
    "stay_versions",
    "stays",
    "subject_keys",
    "units",
]

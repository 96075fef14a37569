"""All tables of the registry by name; import this module, not its parts.

- The parts are grouped by what changes together; the migration is tested equal to ``metadata``.

Example: ``connection.execute(select(tables.stays.c.stay_id))``
"""

from __future__ import annotations

from registry.columns import metadata
from registry.tables_accounts import accounts, passkeys, sessions, setup_links, sign_in_audit
from registry.tables_answers import host_answers, kiosk_calls
from registry.tables_api import api_batches, api_clients, api_requests, api_tokens
from registry.tables_authorities import (
    authority_catalogues,
    authority_counts,
    authority_lines,
    authority_links,
    authority_records,
)
from registry.tables_break_glass import glass_breaks
from registry.tables_case_work import bulk_acts, case_grounds, case_links, visit_devices, visits
from registry.tables_chip import chip_checks, chip_judgements
from registry.tables_claims import kiosk_certificates, kiosk_claims, kiosk_wipes
from registry.tables_cleaning import cleaning_items, cleaning_links, cleaning_passes, cleaning_steps, confirmations
from registry.tables_corrections import corrections
from registry.tables_delegations import delegation_uses, delegations
from registry.tables_deletions import deletion_certificates
from registry.tables_desk import day_closes
from registry.tables_door_boots import door_boots
from registry.tables_door_cards import door_cards
from registry.tables_doors import door_events, door_marks, door_passes, door_sites, doors
from registry.tables_duplicates import duplicate_pairs, duplicate_steps
from registry.tables_e_ids import e_id_sightings
from registry.tables_guest_lists import guest_list_batches, guest_list_pieces, guest_lists, list_mappings
from registry.tables_history import changes, disputes, merges
from registry.tables_identities import identities
from registry.tables_imports import import_batches, imported_rows, imports
from registry.tables_kiosk_counts import kiosk_counts
from registry.tables_kiosk_lost_numbers import kiosk_lost_numbers
from registry.tables_kiosk_mutes import kiosk_mutes
from registry.tables_kiosk_signs import kiosk_signs
from registry.tables_lapses import lapses
from registry.tables_look_questions import look_questions, look_rule_sets
from registry.tables_looks import log_statements, look_numbers, looks
from registry.tables_messages import alarm_channels, contact_points, messages
from registry.tables_nightly import nightly_runs
from registry.tables_numbers import identifier_events
from registry.tables_orders import order_matches, orders
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
from registry.tables_own_words import declaring_locks, own_words, rights_requests
from registry.tables_parties import stay_parties
from registry.tables_paths import path_handovers, path_steps, paths
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
from registry.tables_places import (
    admin_units,
    premises_origins,
    unit_codes,
    unit_decisions,
    unit_files,
    unit_questions,
    unit_successors,
)
from registry.tables_police import case_tasks, officer_interests, saved_filters
from registry.tables_population import population_questions
from registry.tables_portal import portal_records
from registry.tables_procedures import procedure_files, procedure_steps
from registry.tables_public_figures import public_figures
from registry.tables_recall import recall_consents
from registry.tables_recoveries import recoveries
from registry.tables_relations import absences, permitted_stays, relations
from registry.tables_residences import residence_events
from registry.tables_scoreboard import scoreboard_days
from registry.tables_second_eyes import proposals
from registry.tables_second_views import second_view_draws, second_views
from registry.tables_statements import statement_blocks, statement_logs
from registry.tables_stay_codes import stay_codes
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
from registry.tables_sweep import sweep_marks
from registry.tables_undated import undated_declarations
from registry.tables_ways_in import ways_in
from registry.tables_webhooks import webhook_deliveries, webhooks

__all__ = [
    "absences",
    "access_records",
    "accounts",
    "admin_units",
    "alarm_channels",
    "api_batches",
    "api_clients",
    "api_requests",
    "api_tokens",
    "authority_catalogues",
    "authority_counts",
    "authority_lines",
    "authority_links",
    "authority_records",
    "bulk_acts",
    "case_events",
    "case_grounds",
    "case_links",
    "case_tasks",
    "cases",
    "changes",
    "chip_checks",
    "chip_judgements",
    "cleaning_items",
    "cleaning_links",
    "cleaning_passes",
    "cleaning_steps",
    "confirmations",
    "contact_points",
    "corrections",
    "day_closes",
    "declarations",
    "declaring_locks",
    "delegation_uses",
    "delegations",
    "deletion_certificates",
    "deletion_reports",
    "disputes",
    "door_boots",
    "door_cards",
    "door_events",
    "door_marks",
    "door_passes",
    "door_sites",
    "doors",
    "duplicate_pairs",
    "duplicate_steps",
    "e_id_sightings",
    "finding_links",
    "findings",
    "gateway_reports",
    "glass_breaks",
    "guest_list_batches",
    "guest_list_pieces",
    "guest_lists",
    "host_answers",
    "households",
    "identifier_events",
    "identifiers",
    "identities",
    "import_batches",
    "imported_rows",
    "imports",
    "keys",
    "kiosk_calls",
    "kiosk_certificates",
    "kiosk_claims",
    "kiosk_counts",
    "kiosk_lost_numbers",
    "kiosk_mutes",
    "kiosk_signs",
    "kiosk_wipes",
    "kiosks",
    "lapses",
    "letter_events",
    "list_mappings",
    "log_statements",
    "look_numbers",
    "look_questions",
    "look_rule_sets",
    "looks",
    "merges",
    "messages",
    "metadata",
    "name_tokens",
    "nightly_runs",
    "notices",
    "officer_interests",
    "order_matches",
    "orders",
    "outages",
    "own_words",
    "passkeys",
    "path_handovers",
    "path_steps",
    "paths",
    "permitted_stays",
    "person_versions",
    "persons",
    "population_questions",
    "portal_records",
    "premises",
    "premises_origins",
    "presences",
    "procedure_files",
    "procedure_steps",
    "proposals",
    "public_figures",
    "quarantine",
    "recall_consents",
    "receipts",
    "recoveries",
    "relations",
    "residence_events",
    "residences",
    "rights_requests",
    "rule_sets",
    "saved_filters",
    "scoreboard_days",
    "second_view_draws",
    "second_views",
    "sessions",
    "setup_links",
    "sign_in_audit",
    "statement_blocks",
    "statement_logs",
    "stay_codes",
    "stay_parties",
    "stay_versions",
    "stays",
    "subject_keys",
    "sweep_marks",
    "undated_declarations",
    "unit_codes",
    "unit_decisions",
    "unit_files",
    "unit_questions",
    "unit_successors",
    "units",
    "visit_devices",
    "visits",
    "ways_in",
    "webhook_deliveries",
    "webhooks",
]

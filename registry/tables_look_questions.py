"""What officers are asked about their looks, what they answered, how an inspector settled it; and the numbers the rules go by.

- A question names an account, looks by their ids and at most an address; nobody who was looked at.
- The rule is a residence.access.fishing.LookRule, the outcome explained or handed-on.

Example: ``select(look_questions).where(look_questions.c.settled_at.is_(None))``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Table
from sqlalchemy import text as text_of_sql

from registry.columns import commune, document, found_by, instant, metadata, own_id, reference, text, word

WAITING: Final = text_of_sql("settled_at IS NULL")

look_questions: Final = Table(
    "look_questions",
    metadata,
    commune(),
    own_id("question_id", 36),
    reference("account_id"),
    word("rule", length=16),
    document("access_ids"),
    Column("people", Integer, nullable=False),
    reference("premises_id", nullable=True),
    instant("first_at"),
    instant("last_at"),
    document("rules"),  # residence.access.look_rules.LookRules as they were
    instant("raised_at"),
    text("answer"),
    instant("answered_at", nullable=True),
    reference("settled_by", nullable=True),
    instant("settled_at", nullable=True),
    word("outcome", nullable=True, length=16),
    text("settled_reason"),
    found_by("question_id"),
    Index("ix_look_questions_account_id_raised_at", "account_id", "raised_at"),
    Index("ix_look_questions_commune_code_last_at", "commune_code", "last_at"),
    Index("ix_look_questions_waiting", "commune_code", "raised_at", sqlite_where=WAITING, postgresql_where=WAITING),
)

# Each change of the numbers, by two inspectors; the youngest of a commune counts.
look_rule_sets: Final = Table(
    "look_rule_sets",
    metadata,
    commune(),
    own_id("set_id", 36),
    document("rules"),
    instant("in_force_at"),
    reference("asked_by"),
    reference("granted_by"),
    found_by("set_id"),
    Index("ix_look_rule_sets_commune_code_in_force_at", "commune_code", "in_force_at"),
)

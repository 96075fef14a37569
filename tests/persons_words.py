"""Every sentence a person's page can show: from its templates, the tables of words they use, and the codes people meet there."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2.ext import babel_extract
from server_messages import _text

from residence.errors import catalogue
from residence.errors.guide import who_acts
from residence.people.documents import DOCUMENT_RULES
from server.persons_pages import PARTS, PERSONS
from server.wording import WORDS

SERVER = Path(__file__).parent.parent / "server"
# Words a template takes by a name it was handed, and those a page's module takes.
OTHER_KINDS = frozenset(
    {
        "dispute",
        "right_outcome",
        "fault",
        "field",
        "declarant",
        "evidence",
        "sex",
        "document",
        "reason",
        "late_cause",
        "paper",
        "procedure_paper",
    }
)
WHO_READS = frozenset({"guest", "nobody"})
AREAS = frozenset(
    {"way-in", "recovery", "dispute", "lock", "rights", "delegation", "own", "account", "server", "contact", "mail", "receipt"}
)
# Whoever has to act on them, a person reads these: about a form of theirs, a receipt, a file, what a link asks.
WHOLE_AREAS = frozenset({
    "answer", "declaration", "deletion", "document", "notice", "old-number", "person", "personal-number", "population", "portal",
    "procedure", "proof", "stays", "text",
})  # fmt: skip
NEVER_SHOWN = frozenset(
    {"declaration.malformed", "notice.nobody_seen", "population.asked", "population.away", "population.nothing"}
)


# Of codes that others act on, those a person meets on their own pages.
CODES = frozenset({
    "name.empty", "name.strange_characters", "door.link_spent", "door.no_pass", "path.unknown", "path.step", "server.input_unreadable",
    "server.form_document_kind", "server.font_missing", "server.code_shape", "door.link_missing", "door.not_claimable", "log.unknown_look", "mail.confirm", "server.no_receipt_keys", "server.statement_refused", "registry.person_unknown",
    "server.csrf", "server.fault", "server.form_choice", "server.form_date", "server.form_field_missing", "server.form_too_large",
    "server.form_unreadable", "server.identity_unknown", "server.link_spent", "server.method_not_allowed", "server.not_allowed",
    "server.not_found", "server.prove_again", "server.proved_by_another", "server.provider_declined", "server.provider_failed",
    "server.provider_silent", "server.provider_unsure", "server.receipt_unknown", "server.registry_away", "server.sign_in_needed",
    "server.stay_code", "desk.extension_thirty_days", "server.too_many_attempts", "account.identity_known", "account.nobodys", "account.passkey_known",
    "account.passkey_raced", "dispute.field", "dispute.reason", "dispute.settled", "dispute.standing", "host.answer", "host.answered",
    "rights.answered", "rights.said", "rights.standing", "rights.unknown", "erase.code_unknown", "mail.recovery", "mail.way_in",
})  # fmt: skip


def path_of(template: str) -> Path:
    folder, _, name = template.rpartition("/")
    return SERVER / folder / "templates" / name


def message_ids() -> set[str]:
    found, kinds = set(), set(OTHER_KINDS)
    for template in PERSONS | PARTS:
        path = path_of(template)
        with path.open("rb") as file:
            found |= {
                _text(message) for _, _, message, _ in babel_extract(file, ["_", "gettext"], [], {"extensions": "jinja2.ext.do"})
            }
        kinds |= set(re.findall(r'(?:word|choices)\("(\w+)"', path.read_text("utf-8")))
    found |= {text for kind in kinds for text in WORDS[kind].values()}
    return found | sentences()


def sentences() -> set[str]:
    """Return the English of what a page says to a person when something cannot be done; values of the case stand as ``{names}``."""
    said = {texts["en"] for code, texts in catalogue().items() if reads(code)}
    return said | {rule.en for rule in DOCUMENT_RULES.values() if rule.en}


def reads(code: str) -> bool:
    """Tell whether a person meets a code on a page of their own."""
    area = code.partition(".")[0]
    whole = area in WHOLE_AREAS and code not in NEVER_SHOWN
    return whole or code in CODES or (area in AREAS and who_acts(code) in WHO_READS and "{" not in catalogue()[code]["en"])

"""Every sentence a person's page can show: from its templates, the tables of words they use, and the codes people meet there."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2.ext import babel_extract
from server_messages import _text

from residence.errors import catalogue
from residence.errors.guide import who_acts
from server.persons_pages import PARTS, PERSONS
from server.wording import WORDS

SERVER = Path(__file__).parent.parent / "server"
# Words a template takes by a name it was handed, and those a page's module takes.
OTHER_KINDS = frozenset({"dispute", "right_outcome", "fault", "field", "declarant", "evidence", "sex"})
WHO_READS = frozenset({"guest", "nobody"})
AREAS = frozenset(
    {"way-in", "recovery", "dispute", "lock", "rights", "delegation", "own", "account", "server", "contact", "mail", "receipt"}
)


# Of codes that others act on, those a person meets on their own pages.
CODES = frozenset({
    "server.code_shape", "door.link_missing", "door.not_claimable", "log.unknown_look", "mail.confirm", "server.no_receipt_keys", "server.statement_refused", "registry.person_unknown",
    "server.csrf", "server.fault", "server.form_choice", "server.form_date", "server.form_field_missing", "server.form_too_large",
    "server.form_unreadable", "server.identity_unknown", "server.link_spent", "server.method_not_allowed", "server.not_allowed",
    "server.not_found", "server.prove_again", "server.proved_by_another", "server.provider_declined", "server.provider_failed",
    "server.provider_silent", "server.provider_unsure", "server.receipt_unknown", "server.registry_away", "server.sign_in_needed",
    "server.stay_code", "server.too_many_attempts", "account.identity_known", "account.nobodys", "account.passkey_known",
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
    """Return the English of what a page says to a person when something cannot be done."""
    return {
        texts["en"]
        for code, texts in catalogue().items()
        if (code in CODES or (code.partition(".")[0] in AREAS and who_acts(code) in WHO_READS)) and "{" not in texts["en"]
    }

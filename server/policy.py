"""Who may do what: asks Cedar with ``policy.cedar`` and turns a no into ``Refused("server.not_allowed")``.

- The rules are in the policy file alone; no page asks for a role to decide (a page may ask to hide a link).
- Default deny: an unknown action, a missing attribute or an error in a policy is a no.
- The area (commune, premises) is part of every question; there is no question without a resource.

Example: ``policy.require(account, "declare", PremisesResource(premises_id="htl-sao-mai", commune="demo-01"))``
"""

from __future__ import annotations

from importlib import resources
from typing import Final, Literal, get_args

import cedarpy
import msgspec

from residence.errors import Refused

Role = Literal["clerk", "resident", "officer", "operator", "inspector"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in, as the policy sees them. ``premises`` is empty unless the role is clerk."""

    account_id: str
    name: str
    role: Role
    commune_code: str
    premises: tuple[str, ...] = ()
    reads_only: tuple[str, ...] = ()  # those of them where nothing is declared
    stay: str = ""  # the one stay it is for, when a code on a slip opened it

    @property
    def entity(self) -> dict[str, object]:
        """Return the Cedar entity."""
        return _entity(
            "Account",
            self.account_id,
            account_id=self.account_id,
            role=self.role,
            commune=self.commune_code,
            premises=list(self.premises),
            reads_only=list(self.reads_only),
            stay=self.stay,
        )


class PremisesResource(msgspec.Struct, frozen=True, kw_only=True):
    """One premises."""

    premises_id: str
    commune: str

    @property
    def entity(self) -> dict[str, object]:
        """Return the Cedar entity."""
        return _entity("Premises", self.premises_id, premises_id=self.premises_id, commune=self.commune)


class CommuneResource(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one commune."""

    commune: str

    @property
    def entity(self) -> dict[str, object]:
        """Return the Cedar entity."""
        return _entity("Commune", self.commune, commune=self.commune)


class CaseResource(msgspec.Struct, frozen=True, kw_only=True):
    """One case; ``claimed_by`` is the account that works on it, or empty; ``conflicted``: who must not decide about it."""

    case_id: str
    commune: str
    claimed_by: str = ""
    conflicted: tuple[str, ...] = ()
    opened_by: tuple[str, ...] = ()  # officers of other communes who have it open now

    @property
    def entity(self) -> dict[str, object]:
        """Return the Cedar entity."""
        return _entity(
            "Case",
            self.case_id,
            commune=self.commune,
            claimed_by=self.claimed_by,
            conflicted=list(self.conflicted),
            opened_by=list(self.opened_by),
        )


class PairResource(msgspec.Struct, frozen=True, kw_only=True):
    """Two records that may be of one person; ``communes`` are those they stand in."""

    pair_id: str
    communes: tuple[str, ...]

    @property
    def entity(self) -> dict[str, object]:
        """Return the Cedar entity."""
        return _entity("Pair", self.pair_id, communes=list(self.communes))


class ProposalResource(msgspec.Struct, frozen=True, kw_only=True):
    """Something that waits for a second person; ``asked_by`` is who may not be that, ``role`` whose business it is."""

    proposal_id: str
    commune: str
    asked_by: str
    role: Role = "officer"

    @property
    def entity(self) -> dict[str, object]:
        """Return the Cedar entity."""
        return _entity("Proposal", self.proposal_id, commune=self.commune, asked_by=self.asked_by, role=self.role)


class PathResource(msgspec.Struct, frozen=True, kw_only=True):
    """One guided path; ``taken_by`` is the account that works on it, or empty; ``conflicted``: who must not decide about it."""

    path_id: str
    commune: str
    taken_by: str = ""
    conflicted: tuple[str, ...] = ()

    @property
    def entity(self) -> dict[str, object]:
        """Return the Cedar entity."""
        return _entity("Path", self.path_id, commune=self.commune, taken_by=self.taken_by, conflicted=list(self.conflicted))


class QuestionResource(msgspec.Struct, frozen=True, kw_only=True):
    """Looks somebody is asked about; ``account_id``: whose; ``conflicted``: who must not settle it."""

    question_id: str
    commune: str
    account_id: str
    conflicted: tuple[str, ...] = ()

    @property
    def entity(self) -> dict[str, object]:
        """Return the Cedar entity."""
        return _entity(
            "Question", self.question_id, commune=self.commune, account_id=self.account_id, conflicted=list(self.conflicted)
        )


class OrderResource(msgspec.Struct, frozen=True, kw_only=True):
    """An order in force; ``receivers``: the accounts of the unit it names."""

    order_id: str
    commune: str
    receivers: tuple[str, ...]

    @property
    def entity(self) -> dict[str, object]:
        """Return the Cedar entity."""
        return _entity("Order", self.order_id, commune=self.commune, receivers=list(self.receivers))


class ViewResource(msgspec.Struct, frozen=True, kw_only=True):
    """A closed case to be seen again; ``asked``: the officer asked now; ``seen_by``: who closed it or saw it, under any account."""

    view_id: str
    commune: str
    asked: str = ""
    seen_by: tuple[str, ...] = ()

    @property
    def entity(self) -> dict[str, object]:
        """Return the Cedar entity."""
        return _entity("View", self.view_id, commune=self.commune, asked=self.asked, seen_by=list(self.seen_by))


class StayResource(msgspec.Struct, frozen=True, kw_only=True):
    """One stay; ``account_id`` is the asking account when the stay is its person's or the one it is for, else empty."""

    stay_id: str
    account_id: str

    @property
    def entity(self) -> dict[str, object]:
        """Return the Cedar entity."""
        return _entity("Stay", self.stay_id, stay_id=self.stay_id, account_id=self.account_id)


Resource = (
    OrderResource
    | ViewResource
    | StayResource
    | PathResource
    | QuestionResource
    | PremisesResource
    | CommuneResource
    | CaseResource
    | PairResource
    | ProposalResource
    | Account
)


def _entity(kind: str, identity: str, **attributes: object) -> dict[str, object]:
    return {"uid": {"type": kind, "id": identity}, "attrs": attributes, "parents": []}


class Policy:
    """The parsed policy file."""

    def __init__(self, text: str) -> None:
        self._policies: Final = cedarpy.PolicySet.from_str(text)

    def allows(self, account: Account, action: str, *, resource: Resource, purpose: str = "") -> bool:
        """Answer one question."""
        entities = [account.entity]
        if resource.entity["uid"] != account.entity["uid"]:
            entities.append(resource.entity)
        request = {
            "principal": account.entity["uid"],
            "action": {"type": "Action", "id": action},
            "resource": resource.entity["uid"],
            "context": {"purpose": purpose},
        }
        return bool(cedarpy.is_authorized(request, self._policies, entities).allowed)

    def require(self, account: Account, action: str, *, resource: Resource, purpose: str = "") -> None:
        """Raise ``Refused("server.not_allowed")`` unless the answer is yes."""
        if not self.allows(account, action, resource=resource, purpose=purpose):
            raise Refused("server.not_allowed", detail=f"{account.role} may not {action} here")


def load_policy() -> Policy:
    """Read the policy file of this package."""
    return Policy(resources.files("server").joinpath("policy.cedar").read_text("utf-8"))

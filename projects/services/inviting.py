"""Many people invited at once, from a list of addresses: first what it would do, then the links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from projects import audit
from projects.errors import ServiceError
from projects.models import Invitation, Membership, Project
from projects.people_list import MAX_ADDRESSES, Address, Listed, read_list
from projects.services.people import invitation_new, role_checked, token_digest


@dataclass(frozen=True, slots=True)
class InvitePlan:
    """`invited` have a link already, which would be replaced: it was shown once and may be lost."""

    new: list[Address]
    invited: list[Address]
    members: list[Address]
    listed: Listed

    @property
    def links(self) -> int:
        return len(self.new) + len(self.invited)

    @property
    def outside(self) -> list[Address]:
        """Who gets a link, in the order of the list."""
        return sorted([*self.new, *self.invited], key=lambda each: each.line)

    @property
    def able(self) -> bool:
        """Whether the list says of anybody what they can judge."""
        return any(each.languages or each.qualifications for each in self.listed.addresses)


@dataclass(frozen=True, slots=True)
class Invited:
    invitation: Invitation
    token: str


def invite_plan(*, project: Project, text: str) -> InvitePlan:
    """What inviting this list would do. Changes nothing."""
    listed = read_list(text)
    emails = [each.email for each in listed.addresses]
    if not emails and not listed.unread:
        raise ServiceError(gettext("Paste at least one e-mail address."), field="text")
    if len(emails) > MAX_ADDRESSES:
        raise ServiceError(
            gettext("These are %(n)s addresses. Invite at most %(most)s at once.")
            % {"n": f"{len(emails):,}", "most": f"{MAX_ADDRESSES:,}"},
            field="text",
        )
    rows = Membership.objects.filter(project=project, user__email__in=emails)
    members = set(rows.values_list("user__email", flat=True))
    waiting = set(_waiting(project, emails).values_list("email", flat=True)) - members
    return InvitePlan(
        new=[each for each in listed.addresses if each.email not in members | waiting],
        invited=[each for each in listed.addresses if each.email in waiting],
        members=[each for each in listed.addresses if each.email in members],
        listed=listed,
    )


def _waiting(project: Project, emails: Sequence[str]) -> Any:
    rows = Invitation.objects.filter(project=project, email__in=emails, accepted_at=None, revoked_at=None)
    return rows.filter(expires_at__gt=timezone.now())


@transaction.atomic
def invite_list(*, project: Project, text: str, role: str, actor: Any) -> list[Invited]:
    """An invitation for each address that is no member yet. Older links of the same addresses end. The secrets are
    returned this once; only their hashes are kept."""
    role_checked(role)
    plan = invite_plan(project=project, text=text)
    outside = plan.outside
    if not outside:
        raise ServiceError(gettext("Nobody in this list can be invited, so nothing was changed."), field="text")
    replaced = _waiting(project, [each.email for each in outside]).update(revoked_at=timezone.now())
    made = [Invited(*invitation_new(project, role, actor, each)) for each in outside]
    Invitation.objects.bulk_create([each.invitation for each in made], batch_size=200)
    audit.record(
        project=project, actor=actor, verb="invitation.list", target=f"project:{project.pk}",
        payload={"role": role, "invited": len(made), "replaced": replaced},
    )  # fmt: skip
    return made


def invitations_of_links(*, project: Project, tokens: Sequence[str]) -> list[tuple[str, str]]:
    """Address and secret of those that are invitations of this project, in their order; others are left out."""
    hashes = {token_digest(token): token for token in tokens[:MAX_ADDRESSES]}
    rows = dict(
        Invitation.objects.filter(project=project, token_hash__in=list(hashes)).values_list("token_hash", "email")
    )
    return [(rows[key], token) for key, token in hashes.items() if key in rows]

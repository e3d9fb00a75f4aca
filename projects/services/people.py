"""Members, invitations and raters."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext as _

from projects import audit
from projects.errors import ServiceError
from projects.models import Invitation, Membership, Project, Rater, Role
from projects.people_list import Address

INVITATION_DAYS = 14


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def role_checked(role: str) -> None:
    if role not in Role.values:
        raise ServiceError(
            gettext("“%(role)s” is not a role. Choose one of: %(join)s.")
            % {"role": role, "join": ", ".join(Role.values)},
            field="role",
        )


def invitation_new(project: Project, role: str, actor: Any, address: Address) -> tuple[Invitation, str]:
    """An invitation, not saved, and the secret of its link."""
    token = secrets.token_urlsafe(24)
    row = Invitation(
        project=project,
        email=address.email,
        role=role,
        token_hash=token_digest(token),
        invited_by=actor,
        expires_at=timezone.now() + timedelta(days=INVITATION_DAYS),
        languages=list(address.languages),
        qualifications=list(address.qualifications),
    )
    return row, token


@transaction.atomic
def invitation_create(*, project: Project, email: str, role: str, actor: Any) -> tuple[Invitation, str]:
    """An invitation and the secret of its link. The secret is shown once; only its hash is kept."""
    role_checked(role)
    email = email.strip().lower()
    if email and Membership.objects.filter(project=project, user__email=email).exists():
        raise ServiceError(gettext("%(email)s is a member of this project already.") % {"email": email}, field="email")
    invitation, token = invitation_new(project, role, actor, Address(0, email))
    invitation.full_clean()
    invitation.save()
    audit.record(
        project=project,
        actor=actor,
        verb="invitation.create",
        target=f"invitation:{invitation.pk}",
        payload={"role": role},
    )
    return invitation, token


def invitation_open(token: str, *, now: Any = None) -> Invitation | None:
    """The invitation behind a link, if it can still be used."""
    invitation = Invitation.objects.select_related("project").filter(token_hash=token_digest(token)).first()
    if invitation is None or invitation.accepted_at or invitation.revoked_at:
        return None
    return invitation if invitation.expires_at > (now or timezone.now()) else None


@transaction.atomic
def invitation_accept(*, token: str, user: Any) -> Membership:
    """Use the link: the user becomes a member in the role offered. A link works once.

    The row is locked so that two people who open one link at the same moment cannot both get in."""
    invitation = Invitation.objects.select_for_update().filter(token_hash=token_digest(token)).first()
    if invitation is None or invitation.accepted_at or invitation.revoked_at or invitation.expires_at <= timezone.now():
        raise ServiceError(_("This invitation cannot be used any more. Ask the project's lead for a new link."))
    if invitation.email and invitation.email != user.email.lower():
        raise ServiceError(_("This invitation is for another e-mail address. Log in with the address it was sent to."))
    membership, created = Membership.objects.get_or_create(
        project=invitation.project,
        user=user,
        defaults={
            "role": invitation.role,
            "languages": invitation.languages,
            "qualifications": invitation.qualifications,
        },
    )
    invitation.accepted_at, invitation.accepted_by = timezone.now(), user
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    if created:
        audit.record(
            project=invitation.project,
            actor=user,
            verb="member.join",
            target=f"user:{user.pk}",
            payload={"role": membership.role},
        )
    return membership


@transaction.atomic
def invitation_revoke(*, invitation: Invitation, actor: Any) -> None:
    if invitation.accepted_at:
        raise ServiceError(gettext("This invitation has been used already. Remove the member instead."))
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    audit.record(
        project=invitation.project, actor=actor, verb="invitation.revoke", target=f"invitation:{invitation.pk}"
    )


def _keep_one_lead(project: Project, leaving: Membership) -> None:
    # Lock the leads in one order, so that two leads who demote each other at once do not both succeed.
    leads = list(Membership.objects.select_for_update().filter(project=project, role=Role.LEAD).order_by("pk"))
    if [m.pk for m in leads] == [leaving.pk]:
        raise ServiceError(gettext("A project keeps at least one lead. Make somebody else lead first."), field="role")


@transaction.atomic
def member_add(*, project: Project, user: Any, role: str, actor: Any) -> Membership:
    role_checked(role)
    if Membership.objects.filter(project=project, user=user).exists():
        raise ServiceError(
            gettext("%(email)s is a member of this project already.") % {"email": user.email}, field="email"
        )
    membership = Membership.objects.create(project=project, user=user, role=role)
    audit.record(project=project, actor=actor, verb="member.add", target=f"user:{user.pk}", payload={"role": role})
    return membership


@transaction.atomic
def member_change(*, membership: Membership, role: str, actor: Any) -> Membership:
    role_checked(role)
    if membership.role == Role.LEAD and role != Role.LEAD:
        _keep_one_lead(membership.project, membership)
    membership.role = role
    membership.save(update_fields=["role"])
    audit.record(
        project=membership.project,
        actor=actor,
        verb="member.change",
        target=f"user:{membership.user_id}",
        payload={"role": role},
    )
    return membership


@transaction.atomic
def member_remove(*, membership: Membership, actor: Any) -> None:
    """End the membership. The person's judgments stay under the pseudonym; seats are closed by
    `annotation.services.seats.seats_release`, which the door calls in the same transaction."""
    if membership.role == Role.LEAD:
        _keep_one_lead(membership.project, membership)
    audit.record(project=membership.project, actor=actor, verb="member.remove", target=f"user:{membership.user_id}")
    membership.delete()


def pseudonym_for(project: Project, identity: str) -> str:
    """A stable pseudonym that cannot be reversed without the project's key."""
    mac = hmac.new(bytes.fromhex(project.pseudonym_key), identity.encode(), hashlib.sha256)
    return "r-" + mac.hexdigest()[:10]


def rater_for_user(*, project: Project, user: Any) -> Rater:
    rater, _ = Rater.objects.get_or_create(
        project=project, user=user, defaults={"pseudonym": pseudonym_for(project, f"user:{user.pk}")}
    )
    return rater

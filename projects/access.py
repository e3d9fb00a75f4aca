"""The one access policy: which role may do what, for one project and as a queryset.

Views, API handlers and commands ask here and never decide for themselves. Whoever may not see a
project gets the same 404 as for a project that does not exist.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import Http404

from projects.models import Membership, Project, Role

if TYPE_CHECKING:
    from accounts.models import User

    AnyUser = User | AnonymousUser


class Action(StrEnum):
    VIEW = "view"  # items, outputs, systems, reports: names of systems show
    RATE = "rate"  # judge what a seat is given; blind
    IMPORT = "import"
    DESIGN = "design"  # rubrics and guidelines
    RUN = "run"  # rounds: make, open, pause, close
    REVIEW = "review"  # flags, comments, adjudication
    REPORT = "report"  # build a report
    EXPORT = "export"
    PEOPLE = "people"
    SETTINGS = "settings"


_ROLE_ACTIONS: dict[str, frozenset[Action]] = {
    Role.LEAD: frozenset(Action),
    Role.REVIEWER: frozenset({Action.VIEW, Action.RATE, Action.REVIEW, Action.REPORT, Action.EXPORT}),
    Role.RATER: frozenset({Action.RATE}),
    Role.VIEWER: frozenset({Action.VIEW, Action.EXPORT}),
}


def role_of(user: AnyUser, project: Project) -> str | None:
    """The user's role in the project; None when there is none."""
    if not user.is_authenticated or user.is_superuser:
        return role_given(user, None)
    stored = Membership.objects.filter(project=project, user_id=user.pk).values_list("role", flat=True).first()
    return role_given(user, stored)


def role_given(user: AnyUser, stored: str | None) -> str | None:
    """The role that counts, of a user whose membership says `stored`."""
    if not user.is_authenticated or not user.is_active:
        return None
    return Role.LEAD if user.is_superuser else stored


def allowed(role: str | None, action: Action) -> bool:
    return role is not None and action in _ROLE_ACTIONS[role]


def can(user: AnyUser, action: Action, project: Project) -> bool:
    return allowed(role_of(user, project), action)


def roles_with(action: Action) -> list[str]:
    return [role for role, actions in _ROLE_ACTIONS.items() if action in actions]


def visible_projects(user: AnyUser, action: Action = Action.VIEW) -> QuerySet[Project]:
    """The projects in which the user may do `action`: lists filtered by this cannot leak."""
    if not user.is_authenticated or not user.is_active:
        return Project.objects.none()
    if user.is_superuser:
        return Project.objects.all()
    return Project.objects.filter(memberships__user_id=user.pk, memberships__role__in=roles_with(action)).distinct()


def get_project(user: AnyUser, slug: str, action: Action = Action.VIEW) -> Project:
    """The project, if the user may do `action` in it. Otherwise 404: who may not, cannot tell."""
    project = Project.objects.filter(slug=slug).first()
    if project is None or not can(user, action, project):
        raise Http404("There is no such page, or you may not see it.")
    return project


def may_share(user: AnyUser) -> bool:
    """Who may put a rubric where every project of the site sees it: those given the right over the site, not the
    leads of single projects."""
    return user.is_authenticated and user.is_active and user.has_perm("projects.add_project")


def may_create_project(user: AnyUser) -> bool:
    """Who leads a project, or was given the right (`create_lead`), may make another. Raters may not."""
    if not user.is_authenticated or not user.is_active:
        return False
    if user.has_perm("projects.add_project"):
        return True
    return Membership.objects.filter(user_id=user.pk, role=Role.LEAD).exists()

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext

from projects import audit
from projects.errors import ServiceError
from projects.models import Membership, Project, Role


def unique_slug(text: str, taken: Any, fallback: str) -> str:
    """A slug that `taken` (a queryset of rows with `slug`) does not hold yet."""
    base = slugify(text)[:80] or fallback
    if base == "new":
        base = f"new-{fallback}"  # “…/rounds/new/” is the page that makes one
    slug, n = base, 2
    while taken.filter(slug=slug).exists():
        slug, n = f"{base}-{n}", n + 1
    return slug


@transaction.atomic
def project_create(*, name: str, description: str = "", slug: str = "", creator: Any = None) -> Project:
    """A new project, with its creator as lead."""
    name = name.strip()
    if not name:
        raise ServiceError(gettext("A project needs a name."), field="name")
    if slug and Project.objects.filter(slug=slug).exists():
        raise ServiceError(
            gettext("There is a project called “%(name)s” already. Choose another name.") % {"name": slug}, field="name"
        )
    slug = slug or unique_slug(name, Project.objects.all(), "project")
    project = Project(name=name, slug=slug, description=description.strip(), created_by=creator if creator else None)
    project.full_clean()
    project.save()
    if creator is not None:
        Membership.objects.create(project=project, user=creator, role=Role.LEAD)
    audit.record(project=project, actor=creator, verb="project.create", target=f"project:{project.pk}")
    return project


@transaction.atomic
def project_update(*, project: Project, name: str, description: str, actor: Any) -> Project:
    if not name.strip():
        raise ServiceError(gettext("A project needs a name."), field="name")
    project.name, project.description = name.strip(), description.strip()
    project.full_clean()
    project.save(update_fields=["name", "description"])
    audit.record(project=project, actor=actor, verb="project.update", target=f"project:{project.pk}")
    return project

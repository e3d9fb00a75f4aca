"""Which version a command means: `PROJECT/RUBRIC`, `PROJECT/RUBRIC@VERSION`, `shared/RUBRIC`."""

from __future__ import annotations

from django.db.models import Q

from projects.errors import ServiceError
from projects.models import Project
from rubrics.models import Rubric, RubricVersion


def rubric_named(text: str) -> Rubric:
    project, slash, name = text.partition("@")[0].rpartition("/")
    rubrics = Rubric.objects.select_related("project").order_by("project__slug", "slug")
    wanted = rubrics.filter(slug=name)
    if project == "shared":
        wanted = wanted.filter(project=None)
    elif slash:
        wanted = wanted.filter(Q(project__slug=project))
    found = list(wanted[:11])
    if not found:
        known = [f"{r.project.slug if r.project else 'shared'}/{r.slug}" for r in rubrics[:10]]
        there = f"Rubrics are named project/rubric: {', '.join(known)}." if known else "No project has a rubric yet."
        raise ServiceError(f"There is no rubric “{text}”. {there}")
    if len(found) > 1:
        names = ", ".join(f"{r.project.slug if r.project else 'shared'}/{r.slug}" for r in found[:10])
        raise ServiceError(f"“{text}” names more than one rubric. Write one of: {names}.")
    return found[0]


def version_named(text: str) -> RubricVersion:
    """The version that is named, or the newest one in force. A draft only where it is asked for by its number."""
    rubric = rubric_named(text)
    _, at, number = text.partition("@")
    versions = rubric.versions.select_related("rubric__project").order_by("-number")
    if at:
        found = versions.filter(number=int(number)).first() if number.isdigit() and len(number) < 10 else None
        if found is None:
            known = ", ".join(str(v.number) for v in reversed(versions))
            raise ServiceError(f"“{text}” is not a version of this rubric. It has: {known}.")
        return found
    published = versions.filter(status=RubricVersion.Status.PUBLISHED).first()
    if published is None:
        raise ServiceError(f"The rubric “{text}” has no published version. Name one by its number, such as {text}@1.")
    return published


def project_named(slug: str) -> Project:
    project = Project.objects.filter(slug=slug).first()
    if project is None:
        known = list(Project.objects.order_by("slug").values_list("slug", flat=True)[:10])
        raise ServiceError(
            f"There is no project “{slug}”. {'There are: ' + ', '.join(known) + '.' if known else 'There is none yet.'}"
        )
    return project

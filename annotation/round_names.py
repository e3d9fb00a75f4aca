"""Which round a command means: `project/round`, or a bare name where it is unique."""

from __future__ import annotations

from django.db.models import Q

from annotation.models import Round
from projects.errors import ServiceError


def round_named(text: str) -> Round:
    """The round of that slug or name. Raises ServiceError where there is none, or more than one."""
    project, slash, name = text.rpartition("/")
    rounds = Round.objects.select_related("project", "rubric_version__rubric").order_by("project__slug", "slug")
    wanted = rounds.filter(Q(slug=name) | Q(name=name))
    if slash:
        wanted = wanted.filter(Q(project__slug=project) | Q(project__name=project))
    found = list(wanted[:11])
    exact = [r for r in found if r.slug == name]  # a slug names one round of a project, a name may not
    found = exact if len(exact) == 1 else found
    if not found:
        raise ServiceError(f"There is no round “{text}”. {_known(rounds.values_list('project__slug', 'slug'))}")
    if len(found) > 1:
        names = ", ".join(f"{r.project.slug}/{r.slug}" for r in found[:10])
        raise ServiceError(f"“{text}” names more than one round. Write one of: {names}.")
    return found[0]


def _known(pairs: object) -> str:
    names = [f"{project}/{slug}" for project, slug in list(pairs[:11])]  # type: ignore[index]
    if not names:
        return "No project has a round yet."
    more = ", …" if len(names) > 10 else ""
    return f"Rounds are named project/round: {', '.join(names[:10])}{more}."

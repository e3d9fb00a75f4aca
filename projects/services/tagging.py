"""Tags put on many items at once, or taken off. A round or a report can then be about the items of a tag."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from projects import audit
from projects.errors import ServiceError
from projects.models import Item, ItemTag, Project

MAX_TAG = 150
BATCH = 2000


@transaction.atomic
def items_tag(*, project: Project, items: QuerySet[Item], tag: str, actor: Any) -> int:
    """Put a tag on items, of which only the project's own are touched. Returns how many did not have it."""
    tag = _checked(tag)
    bare = items.filter(project=project).exclude(tags__tag=tag).order_by("pk").values_list("pk", flat=True)
    chosen = list(bare)
    if not chosen and not items.filter(project=project).exists():
        raise ServiceError(gettext("Choose at least one item."), field="items")
    ItemTag.objects.bulk_create(
        [ItemTag(item_id=pk, tag=tag) for pk in chosen], batch_size=BATCH, ignore_conflicts=True
    )
    _record(project, actor, "items.tag", tag, len(chosen))
    return len(chosen)


@transaction.atomic
def items_untag(*, project: Project, items: QuerySet[Item], tag: str, actor: Any) -> int:
    """Take a tag off items, of which only the project's own are touched. Returns how many had it."""
    tag = _checked(tag)
    if not items.filter(project=project).exists():
        raise ServiceError(gettext("Choose at least one item."), field="items")
    chosen = items.filter(project=project).order_by().values("pk")
    removed, _ = ItemTag.objects.filter(item__in=chosen, tag=tag).delete()
    _record(project, actor, "items.untag", tag, removed)
    return removed


def _checked(tag: str) -> str:
    tag = " ".join(tag.split())
    if not tag:
        raise ServiceError(gettext("Name the tag, such as topic:refunds."), field="tag")
    if len(tag) > MAX_TAG:
        raise ServiceError(
            gettext("A tag has at most %(most)s characters; this one has %(n)s.") % {"most": MAX_TAG, "n": len(tag)},
            field="tag",
        )
    return tag


def _record(project: Project, actor: Any, verb: str, tag: str, items: int) -> None:
    if items:
        audit.record(
            project=project,
            actor=actor,
            verb=verb,
            target=f"project:{project.pk}",
            payload={"tag": tag, "items": items},
        )

"""Reports are built outside any transaction and stored under the next number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from analytics.models import Report
from annotation.models import Round
from config.stopping import point_of_no_return
from projects import audit
from projects.errors import ServiceError
from projects.models import Item
from projects.services.tagging import MAX_TAG, items_tag

if TYPE_CHECKING:
    from analytics.reports import Progress


def report_build(
    *,
    round: Round,
    actor: Any = None,
    seed: int = 0,
    final_answers: bool = False,
    progress: Progress | None = None,
    keep: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Build and store the report. If the newest one says the same to the last digit, it is that one.

    Building takes seconds, and a transaction would hold up raters; only the numbering is inside one. The
    round's row is locked there, so that two builders never take one number. `keep` is what must succeed for the
    report to be stored, such as writing it to a full disk."""
    # pandas and scipy take over a second to load: only who builds a report waits for them.
    from analytics import reports

    options = reports.ReportOptions(seed=seed, final_answers=final_answers)
    built = reports.build(round, options, progress)
    digest = built.digest
    with transaction.atomic():
        row = Round.objects.select_for_update().select_related("project").get(pk=round.pk)
        report = row.reports.order_by("-number").first()
        if report is None or report.digest != digest:
            last = row.reports.aggregate(last=Max("number"))["last"] or 0
            report = Report.objects.create(
                round=row,
                number=last + 1,
                built_at=timezone.now(),
                seed=seed,
                options=options.to_dict(),
                body=built.body,
                digest=digest,
                data_digest=built.data_digest,
                built_by=actor,
            )
            audit.record(
                project=row.project,
                actor=actor,
                verb="report.build",
                target=f"round:{row.pk}",
                payload={"report": report.pk, "digest": digest, "seed": seed},
            )
        keep(report)
        point_of_no_return()
    return report


def report_look(*, report: Report, actor: Any = None) -> str:
    """Tag the items on which a judge and people part, so that a round can be planned on them. Answers the tag."""
    names = {row["item"] for row in report.body.get("reading", {}).get("judges", [])}
    items = Item.objects.filter(project_id=report.round.project_id, external_id__in=names)
    if not names or not items.exists():
        raise ServiceError("This report names no items on which a judge and people part.")
    tag = f"look:{report.round.slug}-{report.number}"[:MAX_TAG]
    items_tag(project=report.round.project, items=items, tag=tag, actor=actor)
    return tag

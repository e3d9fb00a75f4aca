"""Reports are built outside any transaction and stored under the next number."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from analytics import reports
from analytics.models import Report
from annotation.models import Round
from projects import audit


def report_build(*, round: Round, actor: Any = None, seed: int = 0) -> Report:
    """Build and store the report. If the newest one says the same to the last digit, it is that one.

    Building takes seconds, and a transaction would hold up raters; only the numbering is inside one. The
    round's row is locked there, so that two builders never take one number."""
    options = reports.ReportOptions(seed=seed)
    built = reports.build(round, options)
    digest = built.digest
    with transaction.atomic():
        row = Round.objects.select_for_update().select_related("project").get(pk=round.pk)
        newest = row.reports.order_by("-number").first()
        if newest is not None and newest.digest == digest:
            return newest
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
    return report

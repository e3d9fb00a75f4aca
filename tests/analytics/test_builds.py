"""Large reports are built by the worker: once, with their progress, and not at all once cancelled."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from analytics import builds
from analytics.builds import report_ask, report_cancel, run_build
from analytics.models import Report, ReportRun
from annotation.models import Round
from projects.errors import Conflict
from tests.analytics.test_report_pages import client_of, full_round, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def every_round_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "IN_REQUEST", 0)


def asked(round_: Round) -> ReportRun:
    run = report_ask(round=round_, actor=None)
    assert isinstance(run, ReportRun)
    return run


def test_asked_twice_it_is_built_once() -> None:
    round_ = full_round()
    run = asked(round_)
    assert asked(round_) == run
    assert not Report.objects.exists()
    run_build(run.pk)
    run_build(run.pk)  # a worker that was killed after it, and another one
    run.refresh_from_db()
    assert (run.state, run.report) == ("done", Report.objects.get())
    assert run.step == "Computing the report"
    assert asked(round_) != run


def test_a_small_round_is_built_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "IN_REQUEST", 10_000)
    assert isinstance(report_ask(round=full_round(), actor=None), Report)


def test_one_that_is_cancelled_while_it_runs_stores_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    run = asked(full_round())
    told = builds._Told.__call__

    def stop(self: Any, what: str, done: int, total: int | None) -> None:
        if done == 3:
            report_cancel(run=run)
        self._last = 0.0
        told(self, what, done, total)

    monkeypatch.setattr(builds._Told, "__call__", stop)
    run_build(run.pk)
    run.refresh_from_db()
    assert (run.state, run.report) == ("cancelled", None)
    assert not Report.objects.exists()
    with pytest.raises(Conflict, match="no longer being built"):
        report_cancel(run=run)


def test_one_that_is_cancelled_at_the_last_moment_stores_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    run = asked(full_round())
    monkeypatch.setattr(builds, "settle", lambda: report_cancel(run=run))
    run_build(run.pk)
    assert not Report.objects.exists()


def test_what_failed_says_why() -> None:
    run = asked(full_round())
    builds.gave_up("The worker stopped three times.", run.pk)
    page = text_of(
        client_of(run.round, "reviewer").get(reverse("analytics:report_run", args=[run.round.project.slug, run.pk]))
    )
    assert "The worker stopped three times." in page


def test_the_page_shows_how_far_it_is_with_and_without_scripts() -> None:
    round_ = full_round()
    client = client_of(round_, "reviewer")
    slug = round_.project.slug
    answer = client.post(reverse("analytics:report_build", args=[slug]), {"round": round_.slug})
    run = ReportRun.objects.get()
    address = reverse("analytics:report_run", args=[slug, run.pk])
    assert answer.url == address
    ReportRun.objects.update(step="Computing the report", done=3, total=8)
    page = text_of(client.get(address))
    assert "3 of 8 parts" in page
    assert "Look again" in page
    assert "<html" not in text_of(client.get(address, headers={"HX-Request": "true"}))
    assert "how far it is" in text_of(client.get(reverse("analytics:reports", args=[slug])))
    call_command("db_worker", "--batch", "--json")
    assert client.get(address, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert client.get(address).url == reverse("analytics:report", args=[slug, Report.objects.get().pk])
    assert client.post(address, follow=True).status_code == 200
    assert Report.objects.count() == 1

"""The report on its page, as one file, and by command; and who may see it."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from analytics import report_file, reports
from analytics.management.commands import report as command
from analytics.models import Report
from analytics.report_page import page_of
from analytics.services import report_build
from annotation.models import Round
from projects.models import AuditEvent, Metric
from tests.analytics.helpers import filled_round, scale
from tests.analytics.test_reports import QUALITY, body_of, compared, metric_scores, scored
from tests.factories import OVERALL, member, project_factory, user_factory

pytestmark = pytest.mark.django_db
FILES = ("report_json", "report_html", "report_pdf", "report_xlsx", "report_figures", "report_parquet", "report_csv")
PAGES = ("report", *FILES)


def full_round(**extra: Any) -> Round:
    """Both modes' sections on one page: scores of each side and a preference."""
    helpful = scale("helpful", "ordinal")
    round_ = filled_round([helpful, QUALITY], [*scored(1), *yes_rows()], **extra)
    metric_scores(round_, "judge", "number", lambda n, s: (n * 5 + (s == "new")) % 7, criterion_key="helpful")
    return round_


def yes_rows() -> list[dict[str, Any]]:
    rows = [row for row in scored(0) if row["rater"] != "cem"]
    return [{**row, "criterion": "good", "value": "no" if row["value"] == 1 else "yes"} for row in rows]


def client_of(round_: Round, role: str) -> Client:
    client = Client()
    client.force_login(member(round_.project, role))
    return client


def url(name: str, report: Report) -> str:
    return reverse(f"analytics:{name}", args=[report.round.project.slug, report.pk])


def text_of(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content.decode())


@pytest.mark.parametrize("role", ["lead", "reviewer", "viewer"])
def test_everybody_but_raters_reads_reports(role: str) -> None:
    report = report_build(round=full_round())
    client = client_of(report.round, role)
    assert report.body["answer"]["headline"] in text_of(client.get(url("report", report))).replace("&#x27;", "'")
    assert json.loads(text_of(client.get(url("report_json", report)))) == report.body
    assert text_of(client.get(url("report_csv", report))).startswith("round,item,cluster,")
    listed = text_of(client.get(reverse("analytics:reports", args=[report.round.project.slug])))
    assert report.body["answer"]["headline"] in listed
    assert ("Build a report" in listed) is (role != "viewer")


@pytest.mark.parametrize("name", PAGES)
def test_raters_and_strangers_get_the_404_of_nothing(name: str) -> None:
    report = report_build(round=full_round())
    stranger, elsewhere = Client(), client_of(filled_round([QUALITY], [], slug="other"), "lead")
    stranger.force_login(user_factory())
    for client in (client_of(report.round, "rater"), stranger, elsewhere):
        assert client.get(url(name, report)).status_code == 404
    assert Client().get(url(name, report)).status_code == 302


@pytest.mark.parametrize("name", PAGES)
def test_a_report_of_another_project_is_not_there(name: str) -> None:
    report, own = report_build(round=full_round()), project_factory()
    client = Client()
    client.force_login(member(own, "lead"))
    assert client.get(reverse(f"analytics:{name}", args=[own.slug, report.pk])).status_code == 404


def test_only_who_may_builds_a_report() -> None:
    round_ = full_round()
    address = reverse("analytics:report_build", args=[round_.project.slug])
    for role in ("rater", "viewer"):
        assert client_of(round_, role).post(address, {"round": round_.slug}).status_code == 404
    assert not Report.objects.exists()
    client = client_of(round_, "reviewer")
    assert client.get(address).status_code == 405
    assert client.post(address, {"round": "nothing"}).status_code == 404
    assert client.post(address, {"round": round_.slug}).status_code == 302
    assert client.post(address, {"round": round_.slug}).status_code == 302
    assert Report.objects.get().built_by is not None
    assert AuditEvent.objects.filter(verb="report.build").count() == 1


def test_the_page_needs_no_inline_style_or_script() -> None:
    report = report_build(round=full_round())
    html = text_of(client_of(report.round, "lead").get(url("report", report)))
    article = html[html.index("<article") : html.index("</article>")]
    assert " style=" not in article
    assert "<script" not in article
    assert article.count('<svg class="ci') >= 6
    assert 'id="scores"' in article
    assert 'id="automated"' in article
    assert "Interim" in article


def test_a_preference_page_has_the_matrix_and_its_counts() -> None:
    report = report_build(round=filled_round([OVERALL], compared(), "compare"))
    html = text_of(client_of(report.round, "lead").get(url("report", report)))
    assert re.search(r'<td class="cell heat-[1-7]"><b>75 %</b><span class="sub">\[\d+, \d+\]</span>', html)
    assert "n = 24" in html
    assert "The output shown first was chosen in" in html


def test_what_cannot_be_estimated_says_why_and_is_never_zero() -> None:
    report = report_build(round=filled_round([scale("helpful", "ordinal")], scored()[:1]))
    html = text_of(client_of(report.round, "lead").get(url("report", report)))
    assert "not estimable" in html
    assert "agreement needs two ratings of the same output" in html
    agreement = html[html.index('id="agreement"') : html.index('id="raters"')]
    assert not re.search(r">\s*0(\.0+)?\s*<", agreement.replace('y="13">0<', ""))


def test_a_closed_round_is_not_interim() -> None:
    round_ = full_round(state="closed")
    assert body_of(round_)["round"]["interim"] is False


def test_every_mark_lies_within_its_cell() -> None:
    for round_ in (full_round(), filled_round([OVERALL], compared(), "compare", slug="pairs")):
        found = places(page_of(reports.build(round_).body))
        assert found
        assert all(0 <= float(place) <= 100 for place in found)


def places(value: Any) -> list[str]:
    if isinstance(value, str):
        return re.findall(r"^(-?[\d.]+)%$", value)
    if isinstance(value, list | tuple):
        return [p for each in value for p in places(each)]
    return [p for each in vars(value).values() for p in places(each)] if hasattr(value, "__dict__") else []


def test_hostile_names_are_escaped_on_page_and_file() -> None:
    rows = [{**row, "system": f"<img src=x onerror=alert(1)>{row['system']}"} for row in scored(1)]
    report = report_build(round=filled_round([scale("helpful", "ordinal")], rows))
    Metric.objects.create(project=report.round.project, key="<b>m</b>")
    for html in (text_of(client_of(report.round, "lead").get(url("report", report))), report_file.report_html(report)):
        assert "<img" not in html
        assert "&lt;img src=x" in html


def test_the_file_needs_nothing_else() -> None:
    html = report_file.report_html(report_build(round=full_round()))
    assert "<style>" in html
    assert "<script" not in html
    assert not re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"", html)
    assert not re.findall(r"url\(|@import|https?://(?!www\.w3\.org)", html)


def test_the_list_of_reports_does_not_ask_more_for_more(django_assert_num_queries: Any) -> None:
    round_ = full_round()
    client = client_of(round_, "lead")
    address = reverse("analytics:reports", args=[round_.project.slug])
    report_build(round=round_)
    client.get(address)
    # session, user, project, role, rounds, newest reports, reports, role, nav counts, nav role
    with django_assert_num_queries(10):
        client.get(address)
    for seed in range(1, 4):
        report_build(round=round_, seed=seed)
    with django_assert_num_queries(10):
        client.get(address)


# --- the command -----------------------------------------------------------------------------------------


def test_the_command_writes_the_report_and_its_siblings(tmp_path: Path, capsys: Any) -> None:
    round_ = full_round()
    call_command("report", f"{round_.project.slug}/{round_.slug}", "--out", str(tmp_path), "--seed", "5", "--json")
    said = json.loads(capsys.readouterr().out)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "figures.csv",
        "ratings.csv",
        "report.html",
        "report.json",
    ]
    body = json.loads((tmp_path / "report.json").read_text())
    assert body["provenance"]["seed"] == said["seed"] == 5
    assert (tmp_path / "ratings.csv").read_text().count("\n") == 1 + body["round"]["n_ratings"]
    assert (tmp_path / "figures.csv").read_text().startswith("figure,value,low,high,")
    assert Report.objects.get().digest == said["digest"]


def test_the_same_data_and_seed_give_the_same_files(tmp_path: Path) -> None:
    round_ = full_round()
    for name in ("a", "b"):
        call_command("report", round_.slug, "--out", str(tmp_path / name), stdout=io.StringIO())
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("a", "b"))
    assert first == second
    assert Report.objects.count() == 1


@pytest.mark.parametrize("text", ["docx", "json,png"])
def test_formats_of_other_versions_are_refused(text: str, tmp_path: Path) -> None:
    round_ = full_round()
    with pytest.raises(CommandError, match="Accepted: json, html, pdf, xlsx, parquet, csv") as caught:
        call_command("report", round_.slug, "--format", text, "--out", str(tmp_path))
    assert caught.value.returncode == 2
    assert not list(tmp_path.iterdir())
    assert not Report.objects.exists()


def test_a_failure_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command, "write_csv", fail)
    with pytest.raises(CommandError, match="No space left"):
        call_command("report", full_round().slug, "--out", str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_an_unknown_round_exits_2() -> None:
    with pytest.raises(CommandError, match="There is no round") as caught:
        call_command("report", "nothing/here")
    assert caught.value.returncode == 2

"""`verify_audit`: a changed, deleted or cut-off event is found, and the command says where."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from projects import audit
from projects.guards import GUARDS
from projects.models import AuditEvent, Project
from tests.factories import project_factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = project_factory("Support")
    for n in range(4):
        audit.record(project=project, actor=None, verb="round.open", target=f"round:{n}")
    return project


def unguard() -> None:
    """As the owner of the database can: take away the triggers that refuse a change."""
    with connection.cursor() as cursor:
        for guard in GUARDS:
            for sql in guard.drop_sql(connection.vendor) if guard.table == audit.TABLE else ():
                cursor.execute(sql)


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command("verify_audit", *map(str, arguments), stdout=out)
    return out.getvalue()


def refused(*arguments: Any) -> tuple[str, int]:
    out = StringIO()
    with pytest.raises(CommandError) as error:
        call_command("verify_audit", *map(str, arguments), stdout=out)
    return f"{out.getvalue()}{error.value}", error.value.returncode


def test_whole_chains_are_told_with_their_heads(project: Project) -> None:
    head = AuditEvent.objects.filter(chain=f"project:{project.pk}").order_by("seq").last()
    assert head is not None
    assert f"project:{project.pk}: {head.seq} events fit. Head {head.digest}" in run()
    assert head.digest in run(project.slug)
    assert refused("nowhere") == ("There is no project “nowhere”.", 2)


@pytest.mark.parametrize("change", ["alter", "delete", "insert"])
def test_a_changed_chain_is_found_at_the_event(project: Project, change: str) -> None:
    events = AuditEvent.objects.filter(chain=f"project:{project.pk}").order_by("seq")
    second = events[1]
    unguard()
    if change == "alter":
        events.filter(seq=2).update(actor="user:7")
    elif change == "delete":
        second.delete()
    else:
        AuditEvent.objects.create(
            chain=second.chain, seq=9, at=second.at, actor="system", verb="v", target="t",
            payload_digest="p", previous="forged", digest="forged",
        )  # fmt: skip
    said, code = refused()
    place = {"alter": 2, "delete": 3, "insert": 9}[change]
    assert f"event {place} does not fit" in said
    assert code == 1


def test_a_chain_whose_end_was_cut_off_is_found_by_a_noted_head(project: Project, tmp_path: Path) -> None:
    heads = tmp_path / "heads.json"
    heads.write_text(run("--json"), encoding="utf-8")
    audit.record(project=project, actor=None, verb="round.close", target="round:1")
    assert json.loads(run("--heads", heads, "--json"))["departures"] == []

    last = AuditEvent.objects.filter(chain=f"project:{project.pk}").order_by("-seq")[:2]
    unguard()
    for event in last:
        event.delete()
    assert "events fit" in run(), "by itself the shorter chain fits, which is why heads are noted"
    said, code = refused("--heads", heads)
    assert "is not there" in said
    assert code == 1
    audit.record(project=project, actor=None, verb="round.close", target="round:other")
    said, code = refused("--heads", heads)
    assert "is not the one whose digest was noted" in said


def test_heads_that_are_none_are_refused(project: Project, tmp_path: Path) -> None:
    for name, content in (("a", "no JSON"), ("b", "[]"), ("c", '{"chains": [{"chain": "x"}]}')):
        (tmp_path / name).write_text(content)
        said, code = refused("--heads", tmp_path / name)
        assert "the heads cannot be read" in said
        assert code == 2
    assert refused("--heads", tmp_path / "nowhere")[1] == 2

"""Before an import a person is asked what the file does not say, and offered how a like table was read before."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from projects.models import AutomatedScore, ImportBatch, Metric, Project, Role
from tests.factories import member, project_factory

pytestmark = pytest.mark.django_db

ROWS = b"id,prompt,system,output,score: clarity,score: ok,notes\nq1,A?,bot,B.,3,true,x\nq2,C?,bot,D.,5,false,y\n"


@pytest.fixture
def lead(client: Client) -> tuple[Client, Project]:
    project = project_factory()
    client.force_login(member(project, Role.LEAD))
    return client, project


def upload(client: Client, project: Project, data: bytes, name: str = "a.csv") -> str:
    answer = client.post(f"/p/{project.slug}/import/", {"file": SimpleUploadedFile(name, data), "format": ""})
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    return str(answer["Location"])


def test_direction_and_scale_are_asked_and_never_guessed(lead: tuple[Client, Project]) -> None:
    client, project = lead
    page = upload(client, project, ROWS)
    seen = client.get(page).content.decode()
    assert "What the file does not say" in seen
    assert list(re.findall(r'name="(direction-\d)"', seen)) == ["direction-0", "direction-1"]
    assert re.findall(r'name="(lowest-\d)"', seen) == ["lowest-0"]  # a yes or no has no scale to ask for
    wrong = client.post(page, {"action": "import", "lowest-0": "5", "highest-0": "1"}, follow=True)
    assert "must be below the highest" in wrong.content.decode()
    assert not Metric.objects.exists()
    client.post(page, {"action": "import", "direction-0": "higher", "lowest-0": "1", "highest-0": "5"})
    clarity, ok = Metric.objects.order_by("key")
    assert (clarity.key, clarity.direction, clarity.scale_min, clarity.scale_max) == ("clarity", "higher", 1.0, 5.0)
    assert (ok.key, ok.direction) == ("ok", "unknown")
    assert AutomatedScore.objects.count() == 4
    again = client.get(upload(client, project, ROWS.replace(b"q1", b"q9"))).content.decode()
    assert "direction-0" in again  # of the other metric still
    assert ">clarity</td>" not in again.partition("What the file does not say")[2].partition("</section>")[0]


def test_the_columns_of_a_like_table_are_offered(lead: tuple[Client, Project]) -> None:
    client, project = lead
    page = upload(client, project, ROWS)
    columns = [each["column"] for each in ImportBatch.objects.get().mapping["fields"]]
    roles = {f"role-{columns.index('notes')}": "tag", f"role-{columns.index('score: ok')}": "ignore"}
    client.post(page, {"action": "map", **roles})
    client.post(page, {"action": "import"})
    second = upload(
        client,
        project,
        ROWS.replace(b"q1", b"q8").replace(b"notes", b"notes,more").replace(b"x\n", b"x,1\n").replace(b"y\n", b"y,2\n"),
        "b.csv",
    )
    assert "The header is like that of a.csv" in client.get(second).content.decode()
    client.post(second, {"action": "like"})
    told = {each["column"]: each["role"] for each in ImportBatch.objects.latest("pk").mapping["fields"]}
    assert (told["notes"], told["score: ok"]) == ("tag", "ignore")
    assert "The header is like that of" not in client.get(second).content.decode()
    other = project_factory()
    Project.objects.filter(pk=other.pk).update(slug="other")
    client.force_login(member(other, Role.LEAD))
    assert (
        "The header is like" not in client.get(upload(client, Project.objects.get(slug="other"), ROWS)).content.decode()
    )

"""How columns are read, under a name: saved on the preview, proposed, chosen, renamed, deleted, used by command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from projects import audit
from projects.models import ImportBatch, ImportMapping, Item, Output, Project
from projects.services.import_templates import template_for
from tests.factories import project_factory, user_factory
from tests.projects.test_import_views import batch_page, upload

pytestmark = pytest.mark.django_db

ODD = b"ident,asked,who,said,grade\nq1,May I?,a,No.,3\nq1,May I?,b,Yes.,4\n"
ROLES = ("item", "prompt", "system", "output", "metric_column")


@pytest.fixture
def alice() -> User:
    return user_factory("Alice")


@pytest.fixture
def project(alice: User) -> Project:
    return project_factory("Support", lead=alice)


@pytest.fixture
def lead(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def saved(lead: Client, project: Project) -> ImportMapping:
    upload(lead, project, ODD, "odd.csv")
    act(lead, "keep", mapping_name="  Our   grades ", **{f"role-{n}": role for n, role in enumerate(ROLES)})
    return ImportMapping.objects.get()


def act(client: Client, action: str, **given: Any) -> str:
    batch = ImportBatch.objects.order_by("-pk")[0]
    return client.post(batch_page(batch), {"action": action, **given}, follow=True).content.decode()


def test_what_is_saved_is_what_was_chosen_and_shown(saved: ImportMapping, project: Project) -> None:
    assert (saved.name, saved.columns) == (
        "Our grades",
        dict(zip(ODD.decode().split("\n")[0].split(","), ROLES, strict=True)),
    )
    batch = ImportBatch.objects.get()
    assert [each["role"] for each in batch.mapping["fields"]] == list(ROLES)
    assert not Item.objects.exists()
    audit.verify(project)


def test_the_next_table_with_these_columns_is_offered_it(saved: ImportMapping, lead: Client, project: Project) -> None:
    upload(lead, project, ODD.replace(b"q1", b"q2"), "next.csv")
    page = lead.get(batch_page(ImportBatch.objects.order_by("-pk")[0])).content.decode()
    assert "The saved mapping “Our grades” is for columns like these" in page
    page = act(lead, "like")
    assert "The columns are read as in Our grades." in page
    assert "Read the columns by it</button></form>" not in page  # it is read so now
    act(lead, "import")
    assert Output.objects.count() == 2


def test_it_can_be_chosen_where_it_is_not_proposed(saved: ImportMapping, lead: Client, project: Project) -> None:
    upload(lead, project, b"ident,asked,who,said,x1,x2,x3,x4,x5\nq1,May I?,a,No.,,,,,\n", "wide.csv")
    assert template_for(ImportBatch.objects.order_by("-pk")[0]) is None
    assert "by the mapping “Our grades”" in act(lead, "use", mapping=saved.pk)
    assert act(lead, "use", mapping="9" * 30).count("Choose one of the saved mappings") == 1


def test_of_another_project_it_is_not_there(saved: ImportMapping, lead: Client, alice: User) -> None:
    other = project_factory("Other", lead=alice)
    upload(lead, other, ODD, "odd.csv")
    assert "Choose one of the saved mappings" in act(lead, "use", mapping=saved.pk)
    assert lead.post(reverse("projects:import_mapping", args=[other.slug, saved.pk])).status_code == 404


def test_another_name_and_the_end(saved: ImportMapping, lead: Client, project: Project) -> None:
    address = reverse("projects:import_mapping", args=[project.slug, saved.pk])
    ImportMapping.objects.create(project=project, name="Taken", columns={"a": "item"})

    def name(given: str) -> str:
        page = lead.post(address, {"action": "rename", "mapping_name": given}, follow=True).content.decode()
        saved.refresh_from_db()
        return page

    assert "already" in name("Taken")
    assert "1 to 100 characters" in name(" ")
    assert saved.name == "Our grades"
    name("Grades 2026")
    assert saved.name == "Grades 2026"
    lead.post(address, {"action": "delete"})
    assert list(ImportMapping.objects.values_list("name", flat=True)) == ["Taken"]


def test_by_command(saved: ImportMapping, project: Project, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(ODD)
    call_command("import_outputs", project.slug, str(path), "--mapping", "Our grades")
    assert sorted(Output.objects.values_list("system__name", flat=True)) == ["a", "b"]
    for name, content, sentence in (
        ("x.csv", b"item,system,output\nq,a,x\n", "fits none of its columns"),
        ("x.jsonl", b'{"model_a": "a", "model_b": "b", "winner": "model_a", "question_id": 1}\n', "read as Arena"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CommandError, match=sentence):
            call_command("import_outputs", project.slug, str(tmp_path / name), "--mapping", "Our grades")
    with pytest.raises(CommandError, match="There are: Our grades"):
        call_command("import_outputs", project.slug, str(path), "--mapping", "None")

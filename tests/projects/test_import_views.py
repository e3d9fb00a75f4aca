"""Import in the browser: look, map, confirm or cancel; and who may."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from projects.importers import limits
from projects.models import AutomatedScore, ImportBatch, Item, Output, Project
from projects.services import import_uploads
from projects.views.imports import button_words, grouped
from tests.factories import member, project_factory, user_factory
from tests.projects.importers.archives import zipped, zstandard_zip
from tests.projects.importers.helpers import lines
from tests.projects.importers.test_lm_eval import generated, results

pytestmark = pytest.mark.django_db

GOOD = b"item,prompt,system,output,exact\nq1,May I?,a,No.,1\nq1,May I?,b,Yes.,0\n"
PROMPTFOO = Path(settings.BASE_DIR).parent / "shared" / "data" / "formats" / "promptfoo" / "output.json"


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


def upload(client: Client, project: Project, content: bytes = GOOD, name: str = "answers.csv", **data: Any) -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post(reverse("projects:import", args=[project.slug]), {"file": file, **data})


def batch_page(batch: ImportBatch) -> str:
    return reverse("projects:import_preview", args=[batch.project.slug, batch.pk])


def kept_files() -> list[str]:
    return sorted(path.name for path in import_uploads.folder().iterdir())


@pytest.fixture(autouse=True)
def _own_uploads(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


def test_the_page_offers_a_form_and_lists_earlier_imports(lead: Client, project: Project) -> None:
    page = lead.get(reverse("projects:import", args=[project.slug])).content.decode()
    assert 'type="file"' in page
    assert "Earlier imports" not in page
    upload(lead, project)
    lead.post(batch_page(ImportBatch.objects.get()), {"action": "import"})
    page = lead.get(reverse("projects:import", args=[project.slug])).content.decode()
    assert "Earlier imports" in page
    assert "answers.csv" in page


def test_look_then_confirm(lead: Client, project: Project) -> None:
    answer = upload(lead, project)
    batch = ImportBatch.objects.get()
    assert answer.url == batch_page(batch)
    assert not Item.objects.exists()
    page = lead.get(answer.url).content.decode()
    assert "Recognised as CSV" in page
    assert "Import 1 item, 2 outputs and 2 scores" in page
    assert "How the fields are read" in page
    assert "May I?" in page
    assert len(kept_files()) == 1
    assert "answers" not in kept_files()[0]
    lead.post(batch_page(batch), {"action": "import"})
    batch.refresh_from_db()
    assert (batch.state, batch.stored_as, batch.counts["outputs"]) == ("done", "", 2)
    assert Output.objects.filter(batch=batch).count() == 2
    assert kept_files() == []
    assert "Imported on" in lead.get(batch_page(batch)).content.decode()


def test_confirming_twice_imports_once_and_says_so(lead: Client, project: Project) -> None:
    upload(lead, project)
    batch = ImportBatch.objects.get()
    lead.post(batch_page(batch), {"action": "import"})
    answer = lead.post(batch_page(batch), {"action": "import"}, follow=True)
    assert "confirmed or cancelled in the meantime" in answer.content.decode()
    assert Output.objects.count() == 2


def test_two_who_confirm_at_once(lead: Client, project: Project) -> None:
    upload(lead, project)
    first, second = ImportBatch.objects.get(), ImportBatch.objects.get()
    copy = (import_uploads.folder() / first.stored_as).read_bytes()
    import_uploads.upload_confirm(batch=first, actor=None)
    (import_uploads.folder() / second.stored_as).write_bytes(copy)  # it was open when the other began
    with pytest.raises(import_uploads.Conflict):
        import_uploads.upload_confirm(batch=second, actor=None)
    assert Output.objects.count() == 2


def test_cancel_leaves_nothing(lead: Client, project: Project) -> None:
    upload(lead, project)
    answer = lead.post(batch_page(ImportBatch.objects.get()), {"action": "cancel"}, follow=True)
    assert "answers.csv was not imported." in answer.content.decode()
    assert not ImportBatch.objects.exists()
    assert kept_files() == []


def test_the_same_file_again_offers_no_button(lead: Client, project: Project) -> None:
    upload(lead, project)
    lead.post(batch_page(ImportBatch.objects.get()), {"action": "import"})
    answer = upload(lead, project)
    page = lead.get(answer.url).content.decode()
    assert "Nothing new" in page
    assert 'value="import"' not in page


@pytest.mark.skipif(not PROMPTFOO.is_file(), reason="the sample file of promptfoo is not beside the repository")
def test_promptfoo_is_recognised_with_its_version(lead: Client, project: Project) -> None:
    upload(lead, project, PROMPTFOO.read_bytes(), "output.json")
    page = lead.get(batch_page(ImportBatch.objects.get())).content.decode()
    assert "Recognised as promptfoo results" in page
    assert "Written by promptfoo 0.121" in page
    assert 'name="role-0"' not in page


def test_a_column_can_be_read_as_something_else(lead: Client, project: Project) -> None:
    upload(lead, project)
    batch = ImportBatch.objects.get()
    place = [each["column"] for each in batch.mapping["fields"]].index("exact")
    lead.post(batch_page(batch), {"action": "map", f"role-{place}": "metadata"})
    batch.refresh_from_db()
    assert (batch.counts["scores"], batch.counts["outputs"]) == (0, 2)
    lead.post(batch_page(batch), {"action": "import"})
    assert Item.objects.get().metadata.keys() == {"exact"}
    assert not AutomatedScore.objects.exists()


def test_columns_changed_but_not_read_again_are_shown_before_the_import(lead: Client, project: Project) -> None:
    upload(lead, project)
    batch = ImportBatch.objects.get()
    fields = [each["column"] for each in batch.mapping["fields"]]
    roles = {f"role-{n}": "ignore" if name == "exact" else batch.mapping["fields"][n]["role"]
             for n, name in enumerate(fields)}  # fmt: skip
    answer = lead.post(batch_page(batch), {"action": "import", **roles, "system": "", "metric": ""}, follow=True)
    assert "You changed how the columns are read" in answer.content.decode()
    assert not Item.objects.exists()
    lead.post(batch_page(batch), {"action": "import", **roles, "system": "", "metric": ""})
    assert Output.objects.count() == 2
    assert not AutomatedScore.objects.exists()


def test_unknown_columns_can_be_mapped_by_hand(lead: Client, project: Project) -> None:
    upload(lead, project, b"colour,words\nred,A long answer.\nblue,Another answer here.\n")
    batch = ImportBatch.objects.get()
    page = lead.get(batch_page(batch)).content.decode()
    assert "A needed column is missing" in page
    assert 'value="import"' not in page
    lead.post(batch_page(batch), {"action": "import"})
    assert not Item.objects.exists()
    lead.post(batch_page(batch), {"action": "map", "role-0": "item", "role-1": "output", "system": "painter"})
    lead.post(batch_page(batch), {"action": "import"})
    assert Output.objects.filter(system__name="painter").count() == 2


def test_two_columns_for_one_role_are_refused_in_words(lead: Client, project: Project) -> None:
    upload(lead, project)
    batch = ImportBatch.objects.get()
    answer = lead.post(batch_page(batch), {"action": "map", "role-0": "item", "role-1": "item"}, follow=True)
    assert "only one may be" in answer.content.decode()


def test_the_format_can_be_chosen(lead: Client, project: Project) -> None:
    upload(lead, project)
    batch = ImportBatch.objects.get()
    answer = lead.post(batch_page(batch), {"action": "format", "format": "promptfoo"}, follow=True)
    assert "answers.csv" in answer.content.decode()
    assert 'class="banner banner-bad"' in answer.content.decode()
    batch.refresh_from_db()
    assert batch.format == "csv"


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "empty.csv", "The file is empty. It must hold at least one row of data."),
        (bytes(range(256)), "noise.bin", "noise.bin: "),
        (b"[" * 10_000, "deep.json", "nested more than"),
        (b"item,system,output\nq1,a,caf\xe9\n", "latin.csv", "which is not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_refused_on_the_form(
    lead: Client, project: Project, content: bytes, name: str, sentence: str
) -> None:
    answer = upload(lead, project, content, name)
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not ImportBatch.objects.exists()
    assert kept_files() == []


def test_no_file_is_said(lead: Client, project: Project) -> None:
    answer = lead.post(reverse("projects:import", args=[project.slug]), {})
    assert "Choose a file first." in answer.content.decode()


def test_too_large_a_file_is_said_with_the_limit(lead: Client, project: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 20)
    assert "larger than 20 bytes" in upload(lead, project).content.decode()
    assert kept_files() == []


def test_names_of_files_and_columns_are_escaped(lead: Client, project: Project) -> None:
    upload(lead, project, b"item,system,output,<script>alert(1)</script>\nq1,a,x,y\n", "<img onerror=x>.csv")
    page = lead.get(batch_page(ImportBatch.objects.get())).content.decode()
    assert "<script>alert" not in page
    assert "<img onerror" not in page


def test_a_large_file_goes_to_the_worker(lead: Client, project: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(import_uploads, "IN_REQUEST", 10)
    queued: list[tuple[str, int]] = []
    monkeypatch.setattr(import_uploads, "enqueue_once", lambda task, key, pk: queued.append((task.func.__name__, pk)))
    upload(lead, project)
    batch = ImportBatch.objects.get()
    assert queued == [("look_at_upload", batch.pk)]
    page = lead.get(batch_page(batch)).content.decode()
    assert "Waiting for a worker" in page
    fragment = lead.get(batch_page(batch), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert "<progress" in fragment
    import_uploads.run_look(batch.pk)
    assert lead.get(batch_page(batch), headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    lead.post(batch_page(batch), {"action": "import"})
    assert queued[-1] == ("import_upload", batch.pk)
    assert not Item.objects.exists()
    import_uploads.run_import(batch.pk)
    import_uploads.run_import(batch.pk)  # a task may run again
    batch.refresh_from_db()
    assert batch.state == "done"
    assert Output.objects.count() == 2
    assert kept_files() == []


def test_a_cancelled_import_stops_in_the_worker(lead: Client, project: Project, monkeypatch: Any) -> None:
    upload(lead, project)
    batch = ImportBatch.objects.get()
    ImportBatch.objects.update(state="running", counts={"importing": True})
    batch.refresh_from_db()
    original = import_uploads.import_file

    def cancelled_meanwhile(**named: Any) -> Any:
        lead.post(batch_page(batch), {"action": "cancel"})
        return original(**named)

    monkeypatch.setattr(import_uploads, "import_file", cancelled_meanwhile)
    import_uploads.run_import(batch.pk)
    assert not Item.objects.exists()
    assert not ImportBatch.objects.exists()


def test_a_large_file_that_is_refused_says_why(lead: Client, project: Project, monkeypatch: Any) -> None:
    monkeypatch.setattr(import_uploads, "IN_REQUEST", 10)
    upload(lead, project, b"[" * 10_000, "deep.json")
    batch = ImportBatch.objects.get()
    import_uploads.run_look(batch.pk)
    page = lead.get(batch_page(batch)).content.decode()
    assert "Nothing of it was saved" in page
    assert "nested more than" in page
    assert kept_files() == []


def test_uploads_nobody_confirms_go_after_a_week(lead: Client, project: Project) -> None:
    upload(lead, project)
    ImportBatch.objects.update(created_at=timezone.now() - timedelta(days=8))
    upload(lead, project, GOOD, "second.csv")
    assert [batch.file_name for batch in ImportBatch.objects.all()] == ["second.csv"]
    assert len(kept_files()) == 1


@pytest.mark.parametrize("role", ["reviewer", "rater", "viewer", None])
def test_only_leads_import(client: Client, project: Project, role: str | None) -> None:
    batch = ImportBatch.objects.create(project=project, file_name="secret-model.csv", file_digest="0", format="csv")
    client.force_login(member(project, role, "Bob") if role else user_factory("Charlie"))
    for page in (reverse("projects:import", args=[project.slug]), batch_page(batch)):
        for answer in (client.get(page), client.post(page, {"action": "cancel"})):
            assert answer.status_code == 404
            assert "secret-model" not in answer.content.decode()
    assert ImportBatch.objects.filter(pk=batch.pk).exists()


def test_another_projects_import_is_not_there(lead: Client, project: Project) -> None:
    batch = ImportBatch.objects.create(
        project=project_factory("Other"), file_name="x.csv", file_digest="0", format="csv"
    )
    assert lead.get(reverse("projects:import_preview", args=[project.slug, batch.pk])).status_code == 404


def test_button_names_what_is_new_or_changes() -> None:
    new = {"items": 118, "outputs": 474, "scores": 0}
    assert button_words({"new": new, "changed": {}}) == "Import 118 items and 474 outputs"
    assert button_words({"new": {}, "changed": {"outputs": 1}}) == "Import 1 change"


def test_problems_alike_are_one_row_that_names_the_rows() -> None:
    problems = [
        {"where": f"a.csv, row {n}", "why": f"The value '{n}' is wrong.", "severity": "skipped", "row": n, "column": ""}
        for n in range(1, 13)
    ]
    (group,) = grouped(problems)
    assert (group.where, group.count) == ("1, 2, 3, 4, 5, 6, 7, 8 and 4 more", 12)


def test_a_file_that_does_not_name_its_system_is_asked_for_it(lead: Client, project: Project) -> None:
    upload(lead, project, lines(generated("So.")).encode(), "samples_t.jsonl")
    batch = ImportBatch.objects.get()
    page = lead.get(batch_page(batch)).content.decode()
    assert "does not say which system" in page
    assert "What answered" in page
    assert 'value="import"' not in page
    assert "Choose below what each column becomes" not in page
    refused = lead.post(batch_page(batch), {"action": "import"}, follow=True).content.decode()
    assert "does not say which system" in refused
    assert "Say what the system" in lead.post(batch_page(batch), {"action": "name"}, follow=True).content.decode()
    page = lead.post(batch_page(batch), {"action": "name", "system": "mine"}, follow=True).content.decode()
    assert "Import 1 item, 1 output and 1 score" in page
    assert 'name="system" maxlength="150" value="mine"' in page
    lead.post(batch_page(batch), {"action": "import"})
    assert Output.objects.get().system.name == "mine"


def test_an_archive_is_looked_at_and_imported_as_one(lead: Client, project: Project) -> None:
    data = zipped({"run/samples_t.jsonl": lines(generated("So.")), "run/results.json": json.dumps(results())})
    answer = upload(lead, project, data, "run.zip")
    page = lead.get(answer.url).content.decode()
    assert "Recognised as ZIP archive" in page
    assert "2 files read as lm_eval" in page
    lead.post(answer.url, {"action": "import"})
    batch = ImportBatch.objects.get()
    assert (batch.state, batch.format) == ("done", "lm_eval")
    assert Output.objects.get().system.name == "m1"
    assert kept_files() == []


def test_a_table_packed_by_gzip_is_mapped_like_any_other(lead: Client, project: Project) -> None:
    answer = upload(lead, project, gzip.compress(GOOD), "answers.csv.gz")
    assert "How the fields are read" in lead.get(answer.url).content.decode()
    lead.post(answer.url, {"action": "import"})
    assert Output.objects.count() == 2


def test_a_hostile_archive_is_refused_with_a_sentence_and_leaves_nothing(lead: Client, project: Project) -> None:
    page = upload(lead, project, zstandard_zip({"../etc/passwd": "x"}), "run.zip").content.decode()
    assert "accepted are names within the archive" in page
    assert not ImportBatch.objects.exists()
    assert kept_files() == []


def test_the_second_system_of_pairs_is_asked_for(lead: Client, project: Project) -> None:
    pairs = json.dumps({"pairwise": [{"query": "q", "response": "", "score": 1.0, "pairwise_source": "original"}],
                        "faithfulness": [{"query": "q", "response": "a", "score": 1.0}]})  # fmt: skip
    answer = upload(lead, project, pairs.encode(), "batch.json")
    assert "What it was compared with" in lead.get(answer.url).content.decode()
    lead.post(answer.url, {"action": "name", "system": "amber", "system_b": "basalt"})
    lead.post(answer.url, {"action": "import"})
    preference = AutomatedScore.objects.get(metric__kind="preference")
    assert (preference.output.system.name, preference.output_b.system.name) == ("amber", "basalt")  # type: ignore[union-attr]

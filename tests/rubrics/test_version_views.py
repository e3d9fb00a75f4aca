"""YAML, versions and guidelines in the browser, and who may see and change what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from projects.models import Project
from rubrics.models import Guideline, Rubric, RubricVersion
from rubrics.selectors import spec_of
from rubrics.services import draft_open, draft_save, guideline_publish, rubric_create, version_publish
from rubrics.yaml_form import yaml_of
from tests.factories import CORRECT, member, project_factory, round_factory, user_factory
from tests.rubrics.helpers import SPEC, as_, keys, stored, text, url

pytestmark = pytest.mark.django_db


# --- YAML ---------------------------------------------------------------------------------------------------
def test_yaml_is_in_step_with_the_form_both_ways(lead: Client, draft: RubricVersion) -> None:
    address = url(draft, "yaml")
    shown = lead.get(address).context["form"]["text"].value()
    assert shown == yaml_of(spec_of(draft))
    assert lead.post(address, {"text": shown.replace("\n", "\r\n"), "edit": "1"}).url == address
    draft.refresh_from_db()
    assert draft.edit == 1
    lead.post(address, {"text": shown.replace("Is every claim true?", "Is it so?"), "edit": "1"})
    assert stored(draft, "correct").question == "Is it so?"


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("name: A\ncriteria:\n  - {key: k, question: Q, type: stars}", "YAML, line 3, column 27: “type” is 'stars'"),
        ("name: A\nnmae: B\ncriteria: []", "YAML, line 2, column 1: “nmae” is not a known key here"),
        ("name: [", "YAML, line 1, column 8: this is not valid YAML"),
        ("name: A\nslug: other\ncriteria: [{key: k, question: Q, type: text}]", "YAML, line 2, column 1: The slug"),
        ("name: A\ncriteria: [{key: k, question: %s, type: text}]" % ("q" * 501), "characters; at most 500"),
    ],
)
def test_wrong_yaml_is_refused_by_line_and_stays_in_the_box(
    lead: Client, draft: RubricVersion, yaml: str, words: str
) -> None:
    answer = lead.post(url(draft, "yaml"), {"text": yaml, "edit": "1"})
    assert answer.status_code == 422
    assert words in text(answer)
    assert answer.context["form"]["text"].value() == yaml
    assert keys(draft) == ["correct", "why", "overall"]


def test_yaml_meets_somebody_elses_save(lead: Client, draft: RubricVersion) -> None:
    text_ = yaml_of(replace(SPEC, name="Mine"))
    draft_save(version=draft, spec=replace(SPEC, name="Theirs"), edit=1, actor=None)
    answer = lead.post(url(draft, "yaml"), {"text": text_, "edit": "1"})
    assert answer.status_code == 409
    assert answer.context["form"]["text"].value() == text_
    assert Rubric.objects.get().name == "Theirs"
    assert lead.post(url(draft, "yaml"), {"text": text_, "edit": str(answer.context["edit"])}).status_code == 302
    assert Rubric.objects.get().name == "Mine"


# --- Versions -----------------------------------------------------------------------------------------------
def test_publishing_says_what_freezes_and_then_freezes(lead: Client, draft: RubricVersion) -> None:
    page = text(lead.get(url(draft, "publish")))
    assert "nobody can change these 3 criteria" in page
    assert lead.post(url(draft, "publish"), {"edit": "1"}).url == url(draft, "version", 1)
    draft.refresh_from_db()
    assert draft.status == "published"
    page = text(lead.get(url(draft)))
    assert draft.digest in page
    assert "New version" in page
    assert 'id="designer"' not in page


def test_publishing_takes_only_what_was_shown(lead: Client, draft: RubricVersion) -> None:
    draft_save(version=draft, spec=replace(SPEC, criteria=(CORRECT,)), edit=1, actor=None)
    assert "Somebody changed this draft" in text(lead.post(url(draft, "publish"), {"edit": "1"}, follow=True))
    draft.refresh_from_db()
    assert draft.status == "draft"


def test_an_empty_draft_offers_no_publishing(lead: Client, project: Project) -> None:
    draft = rubric_create(project=project, spec=replace(SPEC, criteria=()), actor=None)
    assert "needs at least one criterion" in text(lead.get(url(draft, "publish")))
    assert lead.get(url(draft)).status_code == 200
    assert "needs at least one criterion" in text(lead.post(url(draft, "publish"), {"edit": "1"}, follow=True))


def test_the_next_version_and_its_drop(lead: Client, draft: RubricVersion) -> None:
    version_publish(version=draft, actor=None)
    assert lead.post(url(draft, "draft")).url == url(draft)
    assert RubricVersion.objects.get(number=2).status == "draft"
    versions = text(lead.get(url(draft, "versions")))
    assert "Version 2" in versions
    assert draft.rubric.versions.get(number=1).digest[:12] in versions
    assert "Everything changed since the last published version goes" in text(lead.get(url(draft, "drop")))
    assert lead.post(url(draft, "drop")).url == url(draft)
    assert RubricVersion.objects.count() == 1
    assert "no draft to drop" in text(lead.get(url(draft, "drop"), follow=True))
    assert "no draft to publish" in text(lead.get(url(draft, "publish"), follow=True))


def test_dropping_the_only_draft_names_the_whole_rubric(lead: Client, draft: RubricVersion, project: Project) -> None:
    assert "the whole rubric goes with it: 3 criteria" in text(lead.get(url(draft, "drop")))
    assert lead.post(url(draft, "drop")).url == reverse("rubrics:list", args=[project.slug])
    assert not Rubric.objects.exists()


def test_versions_say_how_many_rounds_use_them(lead: Client, project: Project) -> None:
    round = round_factory(project)
    version = draft_open(rubric=round.rubric_version.rubric, actor=None)
    assert "version 1 is used by 1 round" in text(lead.get(url(version)))


# --- Guidelines ---------------------------------------------------------------------------------------------
def test_guidelines_are_looked_at_and_then_published(lead: Client, project: Project) -> None:
    address = reverse("rubrics:guidelines", args=[project.slug])
    fields = {"text": "Read **all** of it.\r\n\r\n<script>alert(1)</script>"}
    page = lead.post(address, fields | {"action": "preview"}).content.decode()
    assert "<strong>all</strong>" in page
    assert "<script>alert" not in page
    assert not Guideline.objects.exists()
    assert lead.post(address, fields | {"action": "publish"}).url == address
    first = Guideline.objects.get()
    assert (first.number, "\r" in first.text) == (1, False)
    again = text(lead.post(address, fields | {"action": "publish"}, follow=True))
    assert "no new version was made" in again
    lead.post(address, {"text": "Another.", "action": "publish"})
    old = text(lead.get(reverse("rubrics:guideline", args=[project.slug, 1])))
    assert "<strong>all</strong>" in old
    assert "This field is required" in text(lead.post(address, {"text": " ", "action": "publish"}))
    assert Guideline.objects.count() == 2


# --- Who may ------------------------------------------------------------------------------------------------
READ = ["edit", "yaml", "versions"]
WRITE = ["edit", "yaml", "preview", "draft", "publish", "drop"]


@pytest.mark.parametrize("role", ["reviewer", "viewer"])
def test_who_may_read_reads_and_changes_nothing(project: Project, draft: RubricVersion, role: str) -> None:
    client = as_(member(project, role))
    for name in READ:
        page = text(client.get(url(draft, name)))
        assert CORRECT.key in page or name == "versions"
        assert 'method="post"' not in page.split("<main")[1], name
    assert client.get(url(draft, "version", 1)).status_code == 200
    for name in WRITE:
        assert client.post(url(draft, name), {"edit": "1", "text": "x"}).status_code == 404
    for address in (url(draft, "publish"), url(draft, "drop"), url(draft, "criterion_delete", "why")):
        assert client.get(address).status_code == 404
    guidelines = reverse("rubrics:guidelines", args=[project.slug])
    assert client.get(guidelines).status_code == 200
    assert client.post(guidelines, {"text": "x", "action": "publish"}).status_code == 404
    assert client.get(reverse("rubrics:new", args=[project.slug])).status_code == 404
    draft.refresh_from_db()
    assert (draft.edit, draft.status) == (1, "draft")


def test_raters_and_strangers_find_nothing(project: Project, draft: RubricVersion) -> None:
    guideline_publish(project=project, text="Read.", actor=None)
    addresses = [url(draft, name) for name in [*READ, "publish", "drop"]] + [url(draft, "version", 1)]
    addresses += [reverse(f"rubrics:{name}", args=[project.slug]) for name in ("list", "new", "guidelines")]
    addresses.append(reverse("rubrics:guideline", args=[project.slug, 1]))
    stranger = user_factory("Charlie")
    project_factory(lead=stranger)
    for client in (as_(member(project, "rater")), as_(stranger)):
        assert {client.get(address).status_code for address in addresses} == {404}
    assert {Client().get(address).status_code for address in addresses} == {302}


def test_a_rubric_of_another_project_is_not_there(lead: Client, draft: RubricVersion) -> None:
    other = rubric_create(project=project_factory(), spec=replace(SPEC, name="Theirs"), actor=None)
    assert draft.rubric.project is not None
    address = reverse("rubrics:edit", args=[draft.rubric.project.slug, other.rubric.slug])
    assert lead.get(address).status_code == 404
    assert lead.post(address, {"action": "save"}).status_code == 404

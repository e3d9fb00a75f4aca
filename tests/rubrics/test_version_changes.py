"""Versions side by side, out of use and back, and copies in other projects."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from annotation.forms import RoundForm
from annotation.services.rounds import round_create
from projects.errors import ServiceError
from projects.models import AuditEvent, Project
from rubrics.changes import Meaning
from rubrics.models import Rubric, RubricVersion
from rubrics.selectors import comparable, newer_published, spec_of
from rubrics.services import (
    draft_open,
    draft_save,
    rubric_copy,
    rubric_create,
    rubric_share,
    version_archive,
    version_publish,
    version_restore,
)
from rubrics.specs import RubricSpec
from tests.factories import CORRECT, member, project_factory, rubric_factory, user_factory
from tests.rubrics.helpers import SPEC, as_, text, url

pytestmark = pytest.mark.django_db


def next_version(version: RubricVersion, spec: RubricSpec, publish: bool = True) -> RubricVersion:
    draft = draft_open(rubric=version.rubric, actor=None)
    draft = draft_save(version=draft, spec=spec, edit=draft.edit, actor=None)
    return version_publish(version=draft, actor=None) if publish else draft


CHANGED = replace(SPEC, criteria=(replace(CORRECT, question="Is any <b>claim</b> true?"), *SPEC.criteria[1:]))


# --- Side by side ---------------------------------------------------------------------------------------------
def test_any_two_versions_are_compared_word_by_word(lead: Client, draft: RubricVersion) -> None:
    one = version_publish(version=draft, actor=None)
    assert "nothing to compare yet" in text(lead.get(url(one, "changes")))
    next_version(one, CHANGED)
    page = lead.get(url(one, "changes")).content.decode()
    assert "removed: </span>every<" in page
    assert "&lt;" in page
    assert "<b>claim" not in page
    assert "Comparable with care" in page
    assert "2 criteria do not differ." in page
    turned = lead.get(url(one, "changes") + "?from=2&to=1")
    assert (turned.context["older"].number, turned.context["newer"].number) == (2, 1)
    assert lead.get(url(one, "changes") + "?from=x&to=99").context["newer"].number == 2
    assert "Compare versions" in text(lead.get(url(one, "versions")))


def test_publishing_shows_what_changes(lead: Client, draft: RubricVersion) -> None:
    one = version_publish(version=draft, actor=None)
    two = next_version(one, CHANGED, publish=False)
    page = text(lead.get(url(two, "publish")))
    assert "Against version 1" in page
    assert "Raters read other words" in page


def test_a_report_can_ask_whether_rounds_are_comparable(draft: RubricVersion) -> None:
    one = version_publish(version=draft, actor=None)
    two = next_version(one, CHANGED)
    assert comparable(one, two, "correct").meaning == Meaning.WITH_CARE
    assert comparable(one, two, "overall").meaning == Meaning.COMPARABLE
    assert comparable(one, one, "correct").meaning == Meaning.COMPARABLE
    assert newer_published(one) == two
    assert newer_published(two) is None


def test_the_designer_shows_what_the_check_finds(lead: Client, project: Project) -> None:
    spec = replace(SPEC, criteria=(replace(CORRECT, question="Is it true and kind?"),))
    draft = rubric_create(project=project, spec=spec, actor=None)
    assert "joins two things with “and”" in text(lead.get(url(draft)))
    assert "joins two things with “and”" in text(lead.get(url(draft, "publish")))
    assert "joins two things" in text(lead.post(url(draft, "preview"), {"edit": "1"}))
    mended = rubric_create(project=project, spec=replace(SPEC, criteria=(CORRECT,)), actor=None)
    assert "joins two things" not in text(lead.get(url(mended)))


# --- Out of use -----------------------------------------------------------------------------------------------
def test_an_archived_version_is_offered_to_no_round_and_comes_back(lead: Client, project: Project) -> None:
    version = rubric_factory(project)
    assert lead.post(url(version, "archive", 1)).url == url(version, "versions")
    version.refresh_from_db()
    assert version.status == "archived"
    assert version not in RoundForm(project=project).fields["rubric_version"].queryset
    with pytest.raises(ServiceError, match="Version 1 of “.*” is archived"):
        round_create(project=project, name="R", mode="score", rubric_version=version, systems=[], overlap=1, actor=None)
    page = text(lead.get(url(version, "versions")))
    assert "Bring back" in page
    lead.post(url(version, "restore", 1))
    version.refresh_from_db()
    assert version.status == "published"
    assert [e.verb for e in AuditEvent.objects.order_by("id")][-2:] == ["rubric.archive", "rubric.restore"]


def test_a_version_that_was_superseded_comes_back_as_superseded(draft: RubricVersion) -> None:
    one = version_publish(version=draft, actor=None)
    two = next_version(one, CHANGED)
    one.refresh_from_db()
    assert one.status == "superseded"
    assert version_restore(version=version_archive(version=one, actor=None), actor=None).status == "superseded"
    version_archive(version=two, actor=None)
    version_archive(version=one, actor=None)
    assert version_restore(version=one, actor=None).status == "superseded", "a later one had taken its place"
    assert version_restore(version=two, actor=None).status == "published"


def test_what_cannot_be_archived_is_said(lead: Client, draft: RubricVersion) -> None:
    with pytest.raises(ServiceError, match="is a draft"):
        version_archive(version=draft, actor=None)
    assert "is a draft" in text(lead.post(url(draft, "archive", 1), follow=True))
    with pytest.raises(ServiceError, match="is not archived"):
        version_restore(version=version_publish(version=draft, actor=None), actor=None)


# --- Elsewhere ------------------------------------------------------------------------------------------------
QUOTING = replace(
    SPEC,
    description="For the secret customer.",
    notes="After the secret workshop.",
    criteria=(
        replace(
            CORRECT,
            guidance="As in the secret case.",
            examples=({"text": "The secret answer.", "why": "secret", "positive": True},),
            levels=tuple(replace(x, example="A secret output.") for x in CORRECT.levels),
        ),
    ),
)


def test_a_copy_asks_the_same_and_quotes_nothing(project: Project) -> None:
    version = version_publish(version=rubric_create(project=project, spec=QUOTING, actor=None), actor=None)
    other = project_factory()
    made = rubric_copy(version=version, project=other, actor=None)
    spec = spec_of(made)
    assert "secret" not in str(spec)
    assert [x.anchor for x in spec.criteria[0].levels] == [x.anchor for x in CORRECT.levels]
    assert comparable(version, made, "correct").meaning == Meaning.WITH_CARE
    assert (made.rubric.project, made.status) == (other, "draft")
    whole = rubric_copy(version=version, project=other, actor=None, with_examples=True)
    assert comparable(version, whole, "correct").meaning == Meaning.COMPARABLE
    assert AuditEvent.objects.filter(chain=f"project:{project.pk}", verb="rubric.copy").count() == 2


def test_a_shared_rubric_quotes_nothing_and_is_everybodys(project: Project) -> None:
    version = version_publish(version=rubric_create(project=project, spec=QUOTING, actor=None), actor=None)
    shared = rubric_share(version=version, actor=None)
    assert (shared.rubric.project, shared.status) == (None, "published")
    assert "secret" not in str(spec_of(shared))
    assert rubric_share(version=version, actor=None) == shared, "not shared twice"
    namesake = rubric_factory(project_factory(), (replace(CORRECT, question="Is it otherwise?"),))
    Rubric.objects.filter(pk=namesake.rubric_id).update(name=version.rubric.name)
    other = rubric_share(version=RubricVersion.objects.get(pk=namesake.pk), actor=None)
    assert other.rubric_id != shared.rubric_id, "a rubric of the same name is never touched"

    elsewhere = user_factory()
    theirs = project_factory(lead=elsewhere)
    client = as_(elsewhere)
    assert shared.rubric.name in text(client.get(reverse("rubrics:library", args=[theirs.slug])))
    address = reverse("rubrics:library_shared", args=[theirs.slug, shared.rubric.slug])
    assert CORRECT.question in text(client.get(address))
    client.post(address)
    assert Rubric.objects.get(project=theirs).versions.get().criteria.get().key == "correct"


def test_only_who_has_the_right_over_the_site_shares(lead: Client, alice: User, project: Project) -> None:
    version = rubric_factory(project)
    assert lead.get(url(version, "share", 1)).status_code == 404
    assert "Share…" not in text(lead.get(url(version, "version", 1)))
    alice.user_permissions.add(Permission.objects.get(codename="add_project"))
    assert "Share…" in text(lead.get(url(version, "version", 1)))
    assert "every project of this site" in text(lead.get(url(version, "share", 1)))
    lead.post(url(version, "share", 1))
    assert Rubric.objects.filter(project=None).count() == 1


def test_a_lead_copies_into_projects_they_lead_and_no_other(lead: Client, project: Project, alice: object) -> None:
    version = rubric_factory(project)
    theirs, mine = project_factory("Not hers"), project_factory("Hers", lead=alice)  # type: ignore[arg-type]
    page = text(lead.get(url(version, "copy", 1)))
    assert "Hers" in page
    assert "Not hers" not in page
    refused = lead.post(url(version, "copy", 1), {"project": theirs.pk})
    assert refused.status_code == 200
    assert not Rubric.objects.filter(project=theirs).exists()
    made = lead.post(url(version, "copy", 1), {"project": mine.pk})
    assert made.status_code == 302
    assert Rubric.objects.get(project=mine).versions.get().status == "draft"


def test_who_only_reads_copies_nothing(project: Project) -> None:
    version = rubric_factory(project)
    viewer = as_(member(project, "viewer"))
    assert "Copy…" not in text(viewer.get(url(version, "version", 1)))
    assert viewer.get(url(version, "copy", 1)).status_code == 404
    stranger = user_factory()
    project_factory(lead=stranger)
    assert as_(stranger).get(url(version, "copy", 1)).status_code == 404


def test_a_draft_is_not_copied(lead: Client, draft: RubricVersion) -> None:
    assert lead.get(url(draft, "copy", 1)).status_code == 404

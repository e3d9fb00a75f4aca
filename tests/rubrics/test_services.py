"""Drafts, publishing and freezing: what the services do and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from projects.errors import Conflict, ServiceError
from projects.models import AuditEvent, Project
from rubrics.models import Criterion, Guideline, Level, Rubric, RubricVersion
from rubrics.schema import rubric_digest
from rubrics.selectors import latest_published, spec_of
from rubrics.services import (
    draft_drop,
    draft_open,
    draft_save,
    guideline_publish,
    rubric_create,
    rubric_ensure,
    version_publish,
)
from rubrics.specs import CriterionSpec, LevelSpec, RubricSpec
from tests.factories import CORRECT, OVERALL, project_factory

pytestmark = pytest.mark.django_db
SPEC = RubricSpec(name="Support answers", description="For billing.", criteria=(CORRECT, OVERALL), notes="First.")


@pytest.fixture
def project() -> Project:
    return project_factory()


@pytest.fixture
def draft(project: Project) -> RubricVersion:
    return rubric_create(project=project, spec=SPEC, actor=None)


def without_ids(spec: RubricSpec) -> RubricSpec:
    return replace(spec, slug="", criteria=tuple(replace(c, id=None) for c in spec.criteria))


def test_what_is_stored_reads_back_the_same(draft: RubricVersion) -> None:
    assert without_ids(spec_of(draft)) == SPEC
    assert draft.rubric.slug == "support-answers"
    assert not draft.is_frozen


def test_a_rubric_called_new_does_not_hide_the_page_that_makes_one(project: Project) -> None:
    version = rubric_create(project=project, spec=replace(SPEC, name="New"), actor=None)
    assert version.rubric.slug == "new-rubric"


def test_saving_replaces_criteria_and_raises_the_edit(draft: RubricVersion) -> None:
    changed = replace(SPEC, name="Answers", criteria=(OVERALL,))
    saved = draft_save(version=draft, spec=changed, edit=1, actor=None)
    assert saved.edit == 2
    assert [c.key for c in spec_of(saved).criteria] == ["overall"]
    assert Rubric.objects.get().name == "Answers"


def test_who_saves_second_hears_of_it_and_overwrites_nothing(draft: RubricVersion) -> None:
    draft_save(version=draft, spec=replace(SPEC, criteria=(OVERALL,)), edit=1, actor=None)
    with pytest.raises(Conflict, match="Somebody else saved this draft"):
        draft_save(version=draft, spec=replace(SPEC, criteria=(CORRECT,)), edit=1, actor=None)
    assert [c.key for c in spec_of(RubricVersion.objects.get()).criteria] == ["overall"]


def test_a_text_that_does_not_fit_is_refused_and_nothing_is_kept(draft: RubricVersion) -> None:
    long = replace(CORRECT, levels=(LevelSpec("1", "x" * 121, 1.0), LevelSpec("2", "Two", 2.0)))
    with pytest.raises(ValidationError):
        draft_save(version=draft, spec=replace(SPEC, criteria=(long,)), edit=1, actor=None)
    assert without_ids(spec_of(RubricVersion.objects.get())) == SPEC


def test_publishing_freezes_dates_and_digests(draft: RubricVersion) -> None:
    version = version_publish(version=draft, actor=None)
    assert version.is_frozen
    assert version.published_at is not None
    assert version.digest == rubric_digest(SPEC)
    assert AuditEvent.objects.filter(verb="rubric.publish").count() == 1


def test_a_published_version_is_refused_by_every_service(draft: RubricVersion) -> None:
    version = version_publish(version=draft, actor=None)
    with pytest.raises(ServiceError, match="never changes"):
        draft_save(version=version, spec=SPEC, edit=version.edit, actor=None)
    with pytest.raises(ServiceError, match="published already"):
        version_publish(version=version, actor=None)
    with pytest.raises(ServiceError, match="cannot be dropped"):
        draft_drop(version=version, actor=None)
    assert without_ids(spec_of(version)) == SPEC


@pytest.mark.parametrize("table", [RubricVersion, Criterion, Level])
@pytest.mark.parametrize("how", ["insert", "update", "delete"])
def test_a_published_version_is_refused_by_the_database(draft: RubricVersion, table: type, how: str) -> None:
    version = version_publish(version=draft, actor=None)
    criterion = version.criteria.first()
    assert criterion is not None
    new = {
        # A version may be added; a frozen one may not be made again from a draft's row.
        RubricVersion: lambda: RubricVersion.objects.filter(pk=version.pk).update(status="draft", published_at=None),
        Criterion: lambda: Criterion.objects.create(
            version=version, key="new", question="Q", type="text", level_of_measurement="text", position=9
        ),
        Level: lambda: Level.objects.create(criterion=criterion, position=9, code="9", number=9, label="Nine"),
    }
    column = {RubricVersion: {"number": 9}, Criterion: {"question": "Q"}, Level: {"label": "L"}}
    rows = table.objects.all()  # type: ignore[attr-defined]
    acts = {
        "insert": new[table],
        "update": lambda: rows.update(**column[table]),
        "delete": lambda: rows._raw_delete(rows.db),
    }
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        acts[how]()


def test_an_empty_draft_is_not_published(project: Project) -> None:
    draft = rubric_create(project=project, spec=replace(SPEC, criteria=()), actor=None)
    with pytest.raises(ServiceError, match="at least one criterion"):
        version_publish(version=draft, actor=None)


def test_the_next_version_begins_with_the_last_and_supersedes_it(draft: RubricVersion) -> None:
    first = version_publish(version=draft, actor=None)
    second = draft_open(rubric=first.rubric, actor=None)
    assert second.number == 2
    assert spec_of(second).criteria[0].question == CORRECT.question
    assert draft_open(rubric=first.rubric, actor=None) == second
    version_publish(version=second, actor=None)
    first.refresh_from_db()
    assert first.status == RubricVersion.Status.SUPERSEDED
    assert latest_published(first.rubric) == second
    assert first.digest == RubricVersion.objects.get(number=2).digest


def test_dropping_the_only_draft_takes_the_rubric_along(draft: RubricVersion) -> None:
    draft_drop(version=draft, actor=None)
    assert not Rubric.objects.exists()


def test_dropping_a_later_draft_leaves_what_is_published(draft: RubricVersion) -> None:
    first = version_publish(version=draft, actor=None)
    draft_drop(version=draft_open(rubric=first.rubric, actor=None), actor=None)
    assert list(RubricVersion.objects.all()) == [first]


def test_ensure_makes_once_finds_again_and_versions_a_change(project: Project) -> None:
    first, made = rubric_ensure(project=project, spec=SPEC, actor=None)
    again, made_again = rubric_ensure(project=project, spec=SPEC, actor=None)
    assert (made, made_again, first.pk) == (True, False, again.pk)
    changed, made = rubric_ensure(project=project, spec=replace(SPEC, criteria=(CORRECT,)), actor=None)
    assert (made, changed.number) == (True, 2)
    # What an older version says already is that version.
    assert rubric_ensure(project=project, spec=SPEC, actor=None) == (first, False)


def test_ensure_does_not_touch_somebodys_draft(project: Project) -> None:
    first, _ = rubric_ensure(project=project, spec=SPEC, actor=None)
    draft_open(rubric=first.rubric, actor=None)
    with pytest.raises(ServiceError, match="unpublished draft"):
        rubric_ensure(project=project, spec=replace(SPEC, criteria=(CORRECT,)), actor=None)


def test_a_slug_is_taken_once(project: Project) -> None:
    spec = replace(SPEC, slug="answers")
    rubric_create(project=project, spec=spec, actor=None)
    with pytest.raises(ServiceError, match="already"):
        rubric_create(project=project, spec=spec, actor=None)
    assert rubric_create(project=project_factory(), spec=spec, actor=None).rubric.slug == "answers"


def test_criteria_keep_what_only_their_type_needs(project: Project) -> None:
    number = CriterionSpec("s", "number", "How long?", "ratio", config={"min": 0, "unit": "s"}, shown_if={"a": "b"})
    draft = rubric_create(project=project, spec=replace(SPEC, criteria=(number,)), actor=None)
    assert without_ids(spec_of(draft)).criteria == (number,)


def test_guidelines_are_numbered_rendered_and_the_same_text_is_the_same_version(project: Project) -> None:
    first = guideline_publish(project=project, text="Read **all**.  ", actor=None)
    assert (first.number, "<strong>all</strong>" in first.html) == (1, True)
    assert guideline_publish(project=project, text="Read **all**.", actor=None) == first
    assert guideline_publish(project=project, text="Read some.", actor=None).number == 2
    with pytest.raises(ServiceError, match="need some text"):
        guideline_publish(project=project, text=" \n", actor=None)
    assert Guideline.objects.count() == 2

"""The designer in a browser without scripts: every button, every refusal, and nothing typed is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from projects.models import Project
from rubrics.criteria import CRITERIA
from rubrics.models import Rubric, RubricVersion
from rubrics.selectors import spec_of
from rubrics.services import draft_open, draft_save, rubric_create, version_publish
from tests.factories import CORRECT, OVERALL
from tests.rubrics.helpers import SPEC, WHY, keys, press, stored, text, typed, url

pytestmark = pytest.mark.django_db


# --- Making and listing -------------------------------------------------------------------------------------
def test_a_new_rubric_is_a_draft_with_its_first_criterion(lead: Client, project: Project) -> None:
    for kind in CRITERIA:
        fields = {"name": f"Rubric {kind}", "description": "", "question": "Is it good?", "type": kind}
        answer = lead.post(reverse("rubrics:new", args=[project.slug]), fields)
        rubric = Rubric.objects.get(name=f"Rubric {kind}")
        assert answer.url == reverse("rubrics:edit", args=[project.slug, rubric.slug])
        (criterion,) = spec_of(rubric.versions.get()).criteria
        assert (criterion.key, criterion.type) == ("is-it-good", kind)
        assert CRITERIA[kind].problems(criterion) == []
        assert lead.get(answer.url).status_code == 200


def test_a_new_rubric_needs_a_name_and_a_question(lead: Client, project: Project) -> None:
    answer = lead.post(reverse("rubrics:new", args=[project.slug]), {"name": "", "question": "", "type": "stars"})
    assert answer.status_code == 200
    assert answer.context["form"].errors.keys() == {"name", "question", "type"}
    assert not Rubric.objects.exists()


def test_the_list_shows_published_and_draft(lead: Client, draft: RubricVersion, project: Project) -> None:
    address = reverse("rubrics:list", args=[project.slug])
    assert "Version 1" in text(lead.get(address))
    version_publish(version=draft, actor=None)
    draft_open(rubric=draft.rubric, actor=None)
    page = text(lead.get(address))
    assert reverse("rubrics:version", args=[project.slug, draft.rubric.slug, 1]) in page
    assert "Version 2" in page


def test_the_list_costs_the_same_at_any_length(lead: Client, draft: RubricVersion, project: Project) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            lead.get(reverse("rubrics:list", args=[project.slug]))
        return len(caught)

    queries()
    before = queries()
    for n in range(5):
        rubric_create(project=project, spec=replace(SPEC, name=f"More {n}"), actor=None)
    assert queries() == before


# --- The designer -------------------------------------------------------------------------------------------
def test_saving_what_the_page_shows_changes_nothing(lead: Client, draft: RubricVersion) -> None:
    for key in keys(draft):
        assert press(lead, url(draft), "save", f"?criterion={key}").status_code == 302
    draft.refresh_from_db()
    assert draft.edit == 1
    assert replace(spec_of(draft), criteria=()) == replace(SPEC, slug="support", criteria=())
    assert tuple(stored(draft, c.key) for c in SPEC.criteria)[0] == CORRECT


def test_every_field_of_a_scale_is_saved(lead: Client, draft: RubricVersion) -> None:
    answer = press(
        lead, url(draft), "save", "?criterion=correct",
        question="Is all of it true?", key="true", guidance="Look\r\ntwice.", level_of_measurement="interval",
        weight="2.5", scope="output", level_value=["0", "0.5", "1"], level_label=["No", "Half", "Yes"],
        level_anchor=["a", "b", "c"], level_example=["", "e", ""], required=[], cannot_judge=[],
        example_text=["It is so"], example_why=["source 1"], example_positive=["0"],
    )  # fmt: skip
    assert answer.url == f"{url(draft)}?criterion=true"
    saved = stored(draft, "true")
    assert keys(draft) == ["true", "why", "overall"]
    assert (saved.question, saved.guidance, saved.level_of_measurement) == (
        "Is all of it true?", "Look\ntwice.", "interval",
    )  # fmt: skip
    assert (saved.weight, saved.scope, saved.required, saved.allow_cannot_judge) == (2.5, "output", False, False)
    assert [(x.code, x.number, x.label, x.anchor, x.example) for x in saved.levels] == [
        ("0", 0.0, "No", "a", ""), ("0.5", 0.5, "Half", "b", "e"), ("1", 1.0, "Yes", "c", ""),
    ]  # fmt: skip
    assert saved.examples == ({"text": "It is so", "why": "source 1", "positive": False},)


def test_points_and_ties_of_a_preference_are_saved(lead: Client, draft: RubricVersion) -> None:
    press(lead, url(draft), "save", "?criterion=overall", points="4", ties=["both_good", "both_bad"])
    assert stored(draft, "overall").config == {"points": 4, "ties": ["both_good", "both_bad"]}


def test_a_number_keeps_whole_bounds_whole(lead: Client, draft: RubricVersion) -> None:
    fields = {"question": "How long?", "min": "0", "max": "1.5", "unit": "s"}
    press(lead, url(draft), "save", "?new=number", **fields)
    assert stored(draft, "how-long").config == {"min": 0, "max": 1.5, "unit": "s"}
    assert isinstance(stored(draft, "how-long").config["min"], int)


def test_what_a_file_says_and_the_form_does_not_ask_is_kept(lead: Client, project: Project) -> None:
    rule = {"criterion": "correct", "is": ["1", "2"]}
    odd = replace(WHY, shown_if=rule, config={"rows": 4}, scope="turn")
    version = rubric_create(project=project, spec=replace(SPEC, name="Odd", criteria=(CORRECT, odd)), actor=None)
    assert "Shown only where" in text(lead.get(url(version) + "?criterion=why"))
    press(lead, url(version), "save", "?criterion=why", question="Why so?")
    saved = stored(version, "why")
    assert (saved.question, saved.shown_if, saved.config, saved.scope) == ("Why so?", rule, {"rows": 4}, "turn")
    # A new key is followed by the criteria that name it.
    press(lead, url(version), "save", "?criterion=correct", key="right")
    assert stored(version, "why").shown_if == {"criterion": "right", "is": ["1", "2"]}


@pytest.mark.parametrize(
    ("key", "action", "order"),
    [
        ("why", "up", ["why", "correct", "overall"]),
        ("why", "down", ["correct", "overall", "why"]),
        ("correct", "up", ["correct", "why", "overall"]),
        ("overall", "down", ["correct", "why", "overall"]),
        ("nobody", "up", ["correct", "why", "overall"]),
    ],
)
def test_criteria_move(lead: Client, draft: RubricVersion, key: str, action: str, order: list[str]) -> None:
    assert press(lead, url(draft), f"{action}:{key}").status_code == 302
    assert keys(draft) == order


def test_moving_another_criterion_saves_what_is_typed(lead: Client, draft: RubricVersion) -> None:
    press(lead, url(draft), "down:why", "?criterion=correct", question="Typed?")
    assert keys(draft) == ["correct", "overall", "why"]
    assert stored(draft, "correct").question == "Typed?"


def test_opening_another_criterion_saves_first_or_says_what_is_wrong(lead: Client, draft: RubricVersion) -> None:
    answer = press(lead, url(draft), "open:why", "?criterion=correct", question="Typed?")
    assert answer.url == f"{url(draft)}?criterion=why"
    assert stored(draft, "correct").question == "Typed?"
    answer = press(lead, url(draft), "open:why", "?criterion=correct", question="", guidance="Typed as well")
    assert answer.status_code == 200
    assert "Typed as well" in text(answer)
    assert stored(draft, "correct").guidance == ""


@pytest.mark.parametrize("kind", CRITERIA)
def test_a_criterion_of_every_type_is_added(lead: Client, draft: RubricVersion, kind: str) -> None:
    answer = press(lead, url(draft), "add", new_type=kind)
    assert answer.url == f"{url(draft)}?new={kind}"
    assert keys(draft) == ["correct", "why", "overall"]
    answer = press(lead, url(draft), "save", f"?new={kind}", question="And this one?")
    assert answer.url == f"{url(draft)}?criterion=and-this-one"
    added = stored(draft, "and-this-one")
    assert added.type == kind
    assert CRITERIA[kind].problems(added) == []


def test_keys_made_from_the_same_question_differ(lead: Client, draft: RubricVersion) -> None:
    press(lead, url(draft), "save", "?new=yes_no", question="Correct")
    assert keys(draft)[-1] == "correct-2"


def test_an_untouched_new_criterion_stands_in_nobodys_way(lead: Client, draft: RubricVersion) -> None:
    answer = press(lead, url(draft), "open:why", "?new=scale")
    assert answer.url == f"{url(draft)}?criterion=why"
    assert len(keys(draft)) == 3


def test_rows_are_added_and_removed_without_saving(lead: Client, draft: RubricVersion) -> None:
    answer = press(lead, url(draft), "level_add", "?criterion=correct", question="Typed?")
    fields = typed(answer)
    assert fields["level_value"] == ["1", "2", "3", "4"]
    assert fields["question"] == ["Typed?"]
    answer = lead.post(url(draft), fields | {"action": "level_remove:0"})
    assert typed(answer)["level_value"] == ["2", "3", "4"]
    answer = lead.post(url(draft), typed(answer) | {"action": "example_add"})
    assert typed(answer)["example_text"] == [""]
    answer = lead.post(url(draft), typed(answer) | {"action": "example_remove:0"})
    assert "example_text" not in typed(answer)
    assert stored(draft, "correct") == CORRECT


def test_a_change_of_type_keeps_what_is_typed_and_the_levels_for_the_way_back(
    lead: Client, draft: RubricVersion
) -> None:
    answer = press(lead, url(draft), "retype", "?criterion=correct", type="preference", question="Typed?")
    fields = typed(answer)
    assert (fields["question"], fields["points"], fields["level_value"]) == (["Typed?"], ["5"], ["1", "2", "3"])
    back = typed(lead.post(url(draft), fields | {"type": "scale", "action": "retype"}))
    assert back["level_label"] == ["Level 1", "Level 2", "Level 3"]
    lead.post(url(draft), fields | {"action": "save"})
    assert stored(draft, "correct").levels == ()
    assert stored(draft, "correct").type == "preference"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"question": " "}, "This field is required."),
        ({"key": "not a key"}, "slug"),
        ({"key": "why"}, "Another criterion has the key “why”"),
        ({"weight": "-1"}, "greater than or equal to 0"),
        ({"weight": "heavy"}, "Enter a number."),
        ({"level_value": ["1", "1", "3"]}, "The value 1 stands twice"),
        ({"level_value": ["3", "2", "1"]}, "must rise"),
        ({"level_value": ["1", "", "3"]}, "Give this level a value"),
        ({"level_value": ["1", "low", "3"]}, "needs a number"),
        ({"level_label": ["x" * 121, "b", "c"]}, "at most"),
        ({"level_value": ["1"], "level_label": ["a"], "level_anchor": [""], "level_example": [""]}, "two levels"),
        ({"example_text": [""], "example_why": ["because"], "example_positive": ["1"]}, "Write the example itself"),
        ({"name": ""}, "This field is required."),
    ],
)
def test_what_is_wrong_is_said_in_place_and_nothing_typed_is_lost(
    lead: Client, draft: RubricVersion, changes: dict[str, Any], words: str
) -> None:
    fields = typed(lead.get(url(draft) + "?criterion=correct")) | {"guidance": "Typed words"} | changes
    answer = lead.post(url(draft), fields | {"action": "save"})
    assert answer.status_code == 200
    assert words in text(answer)
    assert "field-error" in text(answer)
    again = typed(answer)
    assert again["guidance"] == ["Typed words"]
    for name, value in changes.items():
        assert again[name] == (value if isinstance(value, list) else [value])
    assert spec_of(draft).criteria[0].guidance == ""


def test_two_people_at_one_draft_lose_nothing(lead: Client, draft: RubricVersion, project: Project) -> None:
    mine = typed(lead.get(url(draft) + "?criterion=correct")) | {"question": "Mine?", "action": "save"}
    theirs = replace(SPEC, criteria=(CORRECT, replace(WHY, question="Theirs?"), OVERALL))
    draft_save(version=draft, spec=theirs, edit=1, actor=None)
    answer = lead.post(url(draft), mine)
    assert answer.status_code == 409
    page = text(answer)
    assert "Somebody else saved this draft after you opened it" in page
    assert "Mine?" in page
    assert "Theirs?" in page
    assert stored(draft, "correct").question == CORRECT.question
    # Told, the writer saves again: both changes stand.
    assert lead.post(url(draft), typed(answer) | {"action": "save"}).status_code == 302
    assert (stored(draft, "correct").question, stored(draft, "why").question) == ("Mine?", "Theirs?")


def test_a_mistake_does_not_hide_that_somebody_else_saved(lead: Client, draft: RubricVersion) -> None:
    """After a refusal the form still names the edit it began with."""
    mine = typed(lead.get(url(draft) + "?criterion=correct"))
    draft_save(version=draft, spec=replace(SPEC, criteria=(CORRECT, OVERALL)), edit=1, actor=None)
    refused = lead.post(url(draft), mine | {"question": "", "action": "save"})
    assert lead.post(url(draft), typed(refused) | {"question": "Mine?", "action": "save"}).status_code == 409


def test_a_draft_published_meanwhile_keeps_what_was_typed(lead: Client, draft: RubricVersion) -> None:
    mine = typed(lead.get(url(draft) + "?criterion=correct")) | {"question": "Mine?", "action": "save"}
    version_publish(version=draft, actor=None)
    answer = lead.post(url(draft), mine)
    assert answer.status_code == 409
    assert "was published or dropped" in text(answer)
    assert typed(answer)["question"] == ["Mine?"]
    assert stored(draft, "correct") == CORRECT


def test_deleting_asks_once_and_frees_what_hung_on_it(lead: Client, project: Project) -> None:
    hanging = replace(WHY, shown_if={"criterion": "correct", "is": "1"})
    draft = rubric_create(project=project, spec=replace(SPEC, criteria=(CORRECT, hanging)), actor=None)
    answer = press(lead, url(draft), "delete:correct", "?criterion=correct", question="")
    ask = url(draft, "criterion_delete", "correct")
    assert answer.url == ask
    page = lead.get(ask)
    assert "its 3 levels" in text(page)
    assert keys(draft) == ["correct", "why"]
    assert lead.post(ask, {"edit": "1"}).url == url(draft)
    assert keys(draft) == ["why"]
    assert stored(draft, "why").shown_if is None
    assert "no criterion “correct” any more" in text(lead.get(ask, follow=True))


def test_deleting_from_a_stale_page_deletes_nothing(lead: Client, draft: RubricVersion) -> None:
    draft_save(version=draft, spec=replace(SPEC, criteria=(CORRECT, WHY)), edit=1, actor=None)
    lead.post(url(draft, "criterion_delete", "why"), {"edit": "1"})
    assert keys(draft) == ["correct", "why"]


# --- Preview ------------------------------------------------------------------------------------------------
def test_the_preview_is_what_raters_see(lead: Client, draft: RubricVersion) -> None:
    page = text(lead.get(url(draft)))
    preview = page.split('id="preview"')[1].split("</aside>")[0]
    assert 'name="c-correct" value="3"' in preview
    assert "Anchor 3." in preview
    assert "A much better" in preview
    assert "<form" not in preview
    # It stands outside the form, so its answers are never sent.
    assert page.index("</form>", page.index('id="designer"')) < page.index('id="preview"')


def test_the_preview_follows_what_is_typed_and_saves_nothing(lead: Client, draft: RubricVersion) -> None:
    fields = typed(lead.get(url(draft) + "?criterion=correct")) | {"question": "Typed live?"}
    assert "Typed live?" in text(lead.post(url(draft, "preview"), fields))
    broken = text(lead.post(url(draft, "preview"), fields | {"question": ""}))
    assert "until the form is right: This field is required." in broken
    assert CORRECT.question in broken
    assert stored(draft, "correct") == CORRECT


def test_typed_markup_is_shown_as_text(lead: Client, draft: RubricVersion) -> None:
    press(lead, url(draft), "save", "?criterion=correct", question="<script>alert(1)</script>?", guidance="</textarea>")
    for name in ("edit", "yaml", "publish"):
        raw = lead.get(url(draft, name)).content.decode()
        assert "<script>alert" not in raw
        assert "</textarea></textarea>" not in raw

"""Autosave, two writers at one draft, the order of rows, conditions, and what a draft lacks before it is published."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from projects.errors import ServiceError
from projects.models import Project
from rubrics.completeness import missing
from rubrics.criteria import CRITERIA
from rubrics.drafts import ordered, plain
from rubrics.forms import new_criterion
from rubrics.models import RubricVersion
from rubrics.selectors import spec_of
from rubrics.services import draft_save, rubric_create, version_publish
from tests.factories import CORRECT, OVERALL, project_factory
from tests.rubrics.helpers import SPEC, WHY, keys, press, stored, text, typed, url

pytestmark = pytest.mark.django_db


def save(client: Client, draft: RubricVersion, fields: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.post(url(draft, "autosave"), fields | changes).json()
    return answer


def theirs(draft: RubricVersion, edit: int = 1, **changes: Any) -> None:
    """Somebody else saves another question or guidance of “correct”."""
    criteria = tuple(replace(c, **changes) if c.key == "correct" else c for c in spec_of(draft).criteria)
    draft_save(version=draft, spec=replace(spec_of(draft), criteria=criteria), edit=edit, actor=None)


def test_what_is_typed_is_saved_and_the_page_may_go_on(lead: Client, draft: RubricVersion) -> None:
    fields = typed(lead.get(url(draft) + "?criterion=correct"))
    said = save(lead, draft, fields, question="Typed?")
    assert (said["state"], said["words"], said["edit"]) == ("saved", "Draft saved", 2)
    assert save(lead, draft, fields | said, question="Typed on?")["edit"] == 3
    assert stored(draft, "correct").question == "Typed on?"
    assert save(lead, draft, fields | said | {"edit": 3}, question="")["words"].startswith("Not saved yet:")
    assert stored(draft, "correct").question == "Typed on?"


def test_a_new_criterion_is_added_once_and_its_key_follows_its_question(lead: Client, draft: RubricVersion) -> None:
    fields = typed(lead.get(url(draft) + "?new=yes_no"))
    assert save(lead, draft, fields)["edit"] == 1  # nobody wrote anything
    said = save(lead, draft, fields, question="Could")
    said = save(lead, draft, fields | said, question="Could one act on it?")
    assert keys(draft) == ["correct", "why", "overall", "could-one-act-on-it"]
    assert said["original"] == "could-one-act-on-it"


def test_others_who_change_something_else_are_in_nobodys_way(lead: Client, draft: RubricVersion) -> None:
    fields = typed(lead.get(url(draft) + "?criterion=why"))
    theirs(draft, question="Theirs?")
    said = save(lead, draft, fields, question="Why so?")
    assert (said["state"], said["edit"]) == ("saved", 3)
    assert "Somebody else" in said["words"]
    assert (stored(draft, "correct").question, stored(draft, "why").question) == ("Theirs?", "Why so?")


def test_what_both_changed_is_saved_for_neither_until_somebody_chooses(lead: Client, draft: RubricVersion) -> None:
    fields = typed(lead.get(url(draft) + "?criterion=correct")) | {"question": "Mine?"}
    theirs(draft, question="Theirs?", guidance="Theirs too")
    assert save(lead, draft, fields)["state"] == "conflict"
    assert stored(draft, "correct").question == "Theirs?"
    answer = lead.post(url(draft), fields | {"action": "save"})
    assert [(c.place, "".join(p.text for p in c.theirs), "".join(p.text for p in c.mine))
            for c in answer.context["desk"].clashes] == [
        ("the question", "Theirs?", "Mine?"), ("the guidance", "Theirs too", ""),
    ]  # fmt: skip
    assert typed(answer)["question"] == ["Mine?"]
    assert f'href="{url(draft)}?criterion=correct">Take theirs' in text(answer)
    assert lead.post(url(draft), typed(answer) | {"action": "save"}).status_code == 302
    assert stored(draft, "correct").question == "Mine?"


def test_what_i_did_not_touch_is_as_the_others_left_it(lead: Client, draft: RubricVersion) -> None:
    """The name and notes stand in the form as well, and are no word of mine."""
    fields = typed(lead.get(url(draft) + "?criterion=correct"))
    draft_save(
        version=draft, spec=replace(SPEC, name="Theirs", notes="N", criteria=SPEC.criteria[:2]), edit=1, actor=None
    )
    said = save(lead, draft, fields, question="Mine?")
    assert said["state"] == "saved"
    draft.refresh_from_db()
    spec = spec_of(RubricVersion.objects.get(pk=draft.pk))
    assert (spec.name, spec.notes, [c.question for c in spec.criteria]) == ("Theirs", "N", ["Mine?", "Why?"])


def test_a_criterion_that_they_deleted_comes_back_only_by_choice(lead: Client, draft: RubricVersion) -> None:
    fields = typed(lead.get(url(draft) + "?criterion=correct")) | {"question": "Mine?"}
    draft_save(version=draft, spec=replace(SPEC, criteria=(WHY, OVERALL)), edit=1, actor=None)
    assert save(lead, draft, fields)["state"] == "conflict"
    answer = lead.post(url(draft), fields | {"action": "save"})
    assert "Mine?" in text(answer)
    lead.post(url(draft), typed(answer) | {"action": "save"})
    assert keys(draft) == ["why", "overall", "correct"]


def test_the_yaml_of_two_people_stands_side_by_side(lead: Client, draft: RubricVersion) -> None:
    mine = lead.get(url(draft, "yaml")).context["text"].replace("Why?", "Why so?")
    theirs(draft, question="Theirs?")
    answer = lead.post(url(draft, "yaml"), {"text": mine, "edit": "1"})
    assert answer.status_code == 409
    said = {(p.op, p.text) for p in answer.context["pieces"] if p.op != "same"}
    assert ("added", " so") in said or ("added", "so ") in said
    assert stored(draft, "correct").question == "Theirs?"


def test_rows_are_saved_in_the_order_they_are_sent(lead: Client, draft: RubricVersion) -> None:
    fields = typed(lead.get(url(draft) + "?criterion=correct"))
    assert fields["order"] == ["correct", "why", "overall"]
    save(lead, draft, fields, order=["overall", "nobody", "correct", "why"])
    assert keys(draft) == ["overall", "correct", "why"]
    assert [c.key for c in ordered((CORRECT, WHY, OVERALL), ["overall", "correct"])] == ["overall", "correct", "why"]


def test_levels_change_places_and_the_numbers_stay(lead: Client, draft: RubricVersion) -> None:
    answer = press(lead, url(draft), "level_up:2", "?criterion=correct")
    assert typed(answer)["level_value"] == ["1", "2", "3"]
    assert typed(answer)["level_label"] == ["Level 1", "Level 3", "Level 2"]
    assert typed(press(lead, url(draft), "level_down:2", "?criterion=correct"))["level_label"][2] == "Level 3"


def test_marks_of_a_slider_move_and_are_added_where_the_line_is_empty(lead: Client, draft: RubricVersion) -> None:
    fields = typed(press(lead, url(draft), "retype", "?new=slider", question="How sure?"))
    assert fields["level_value"] == ["0", "50", "100"]
    moved = typed(lead.post(url(draft), fields | {"action": "level_down:1"}))
    assert (moved["level_value"], moved["level_label"]) == (["0", "50", "100"], ["Lowest", "Highest", "Middle"])
    fields["level_value"] = ["0", "30", "100"]
    answer = lead.post(url(draft), fields | {"action": "level_add"})
    assert typed(answer)["level_value"] == ["0", "30", "65", "100"]
    assert "Add a mark" in answer.content.decode()
    assert [CRITERIA["slider"].new_level(each) for each in ([], ["100"], ["x"], ["9", "3"])] == [
        (0, "50"), (0, "50"), (1, ""), (2, ""),
    ]  # fmt: skip


def test_a_copy_stands_behind_its_criterion(lead: Client, draft: RubricVersion) -> None:
    assert press(lead, url(draft), "copy:correct").url.endswith("?criterion=correct-2")
    assert keys(draft) == ["correct", "correct-2", "why", "overall"]


def test_a_condition_is_written_in_the_form_and_checked(lead: Client, draft: RubricVersion) -> None:
    wrong = press(lead, url(draft), "save", "?criterion=why", shown_after="correct", shown_is="1, 9")
    assert "“9” is no answer of “correct”. Its answers are: 1, 2, 3." in text(wrong)
    assert "Say which answer" in text(press(lead, url(draft), "save", "?criterion=why", shown_after="correct"))
    press(lead, url(draft), "save", "?criterion=why", shown_after="correct", shown_is="1, 2")
    assert stored(draft, "why").shown_if == {"criterion": "correct", "is": ["1", "2"]}
    press(lead, url(draft), "save", "?criterion=why", shown_after="")
    assert stored(draft, "why").shown_if is None


def test_publishing_lists_all_that_is_missing_and_leads_there(lead: Client, project: Project) -> None:
    broken = replace(WHY, shown_if={"criterion": "nobody", "is": "1"})
    unfinished = replace(new_criterion("one_of", "Which fault?"), key="fault")
    spec = replace(SPEC, criteria=(broken, unfinished))
    draft = rubric_create(project=project, spec=spec, actor=None)
    assert [gap.criterion for gap in missing(spec)] == ["why", "fault"]
    page = text(lead.get(url(draft, "publish")))
    assert f'href="{url(draft)}?criterion=fault#levels"' in page
    assert f'href="{url(draft)}?criterion=why#condition"' in page
    assert "From now on nobody can change" not in page
    with pytest.raises(ServiceError, match="First label.*") as refused:
        version_publish(version=draft, actor=None)
    assert "waits for “nobody”" in str(refused.value)
    assert lead.get(url(draft) + "?criterion=fault").status_code == 200


def test_the_preview_shows_every_mode_without_scripts(lead: Client, draft: RubricVersion) -> None:
    def looks(mode: str) -> list[str]:
        page = text(press(lead, url(draft), "look", "?criterion=correct", shown=mode, width="phone"))
        assert "preview-phone" in page
        side = page.split('id="preview"')[1].split("</aside>")[0]
        return [name for name in ("c-correct", "c-overall") if f'name="{name}"' in side]

    assert (looks("score"), looks("compare")) == (["c-correct"], ["c-correct", "c-overall"])
    assert "Here stands answer B" in text(lead.get(url(draft, "screen") + "?shown=both"))


def test_a_file_of_one_project_is_the_same_rubric_in_another(lead: Client, draft: RubricVersion, alice: User) -> None:
    file = lead.get(url(draft, "yaml") + "?download")
    assert file["Content-Disposition"] == 'attachment; filename="support-v1.yaml"'
    other = project_factory("Other", lead=alice)
    sent = SimpleUploadedFile("support-v1.yaml", file.content)
    made = lead.post(reverse("rubrics:new", args=[other.slug]), {"text": "", "file": sent})
    assert made.url == reverse("rubrics:edit", args=[other.slug, "support"])
    copy = RubricVersion.objects.get(rubric__project=other)
    assert plain(spec_of(copy)) == plain(spec_of(draft))
    refused = lead.post(reverse("rubrics:new", args=[other.slug]), {"text": "name: A\nname: B\ncriteria: []"})
    assert refused.status_code == 422
    assert "YAML, line 2, column 1: “name” stands here twice." in text(refused)
    assert "name: B" in text(refused)
    assert "Choose a file" in text(lead.post(reverse("rubrics:new", args=[other.slug]), {"text": " "}))

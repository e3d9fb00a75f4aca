"""The head of a round's page: the acts of the moment, and a place for everything else."""

from __future__ import annotations

import pytest

from annotation.models import Round
from annotation.round_head import Asker, Head, head_of
from projects.models import Project

EVERYTHING = {
    "Review", "Adjudication", "Rubric doctor", "Reports", "Export", "Release gate", "Add raters", "Join link",
    "Give tasks", "Training", "Gold", "Words that tell", "Plan another like it",
}  # fmt: skip
OF_STATE = {
    "draft": (["Add raters", "Open…"], {"Drop…"}),
    "open": (["Review", "Pause…"], {"Close…"}),
    "paused": (["Review", "Close…", "Open again…"], set()),
    "closed": (["Review", "Reports"], {"Reopen…", "Unblind…"}),
}


def head(state: str, *, may_run: bool = True, may_review: bool = True, unblinded: bool = False) -> Head:
    row = Round(project=Project(slug="desk"), slug="final", state=state)
    return head_of(row, Asker(may_run, may_review, True, unblinded))


def labels(found: Head) -> list[str]:
    return [link.label for menu in found.menus for link in menu.links]


@pytest.mark.parametrize("state", OF_STATE)
def test_each_link_stands_once_and_the_acts_of_the_state_stand_out(state: str) -> None:
    found = head(state)
    acts, more = OF_STATE[state]
    assert [act.label for act in found.acts] == acts
    assert len(found.acts) <= 3
    assert sum(act.primary for act in found.acts) <= 1
    listed = labels(found)
    assert len(listed) == len(set(listed))
    assert set(listed) | set(acts) == EVERYTHING | more | set(acts)
    assert not set(listed) & set(acts)


def test_who_may_not_run_or_review_is_offered_what_they_may_open() -> None:
    assert set(labels(head("open", may_run=False, may_review=False))) == {
        "Rubric doctor", "Reports", "Export", "Release gate",
    }  # fmt: skip
    assert head("open", may_run=False, may_review=False).acts == ()
    assert "Adjudication" in labels(head("open", may_run=False))
    assert "Who answered" in labels(head("closed", may_run=False, may_review=False, unblinded=True))
    assert "Reopen…" not in labels(head("closed", unblinded=True))

"""The next task joined from parts is, to the last character, what the templates draw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils.html import escape

from annotation import claims, task_page
from annotation.models import Assignment, Round
from annotation.places import place_of
from annotation.rating_page import Page, page_of
from annotation.services.rounds import round_open
from rubrics.models import Guideline
from tests.annotation.test_claims import send
from tests.factories import CORRECT, member, round_factory

pytestmark = pytest.mark.django_db
HOSTILE = "</pre><b>&amp;\"'<script>{{ page.key }}"


def pages(mode: str, **options: Any) -> list[Page]:
    """Pages of one rater, one after the other: the first, and others with a judgment just saved."""
    round = round_factory(mode=mode, items=4, systems=2, opened=False, title="A < B & “C”")
    guideline = Guideline.objects.create(project=round.project, number=1, text="Read.", digest="d")
    given = {"rating": options} if options else {}
    Round.objects.filter(pk=round.pk).update(guideline=guideline, options=given, show_reference=True)
    round_open(round=Round.objects.get(), actor=None)
    rater = member(round.project, "rater")
    place = place_of(rater, round.public_id)
    outcome, found = claims.claim(place.seat.pk), []
    for _ in range(3):
        place = place_of(rater, round.public_id)
        page = page_of(place.round, place.seat, outcome)
        outputs = tuple(replace(o, text=HOSTILE, html=f"<p>{escape(HOSTILE)}</p>") for o in page.task.outputs)
        task = replace(page.task, language='f"r', reference=("It is <so>.",), outputs=outputs)
        found.append(replace(page, task=task))
        outcome = send(place.seat, outcome)
    return found


def both(page: Page) -> tuple[str, str]:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    joined = task_page.task_html(request, page)
    token = request.META["CSRF_COOKIE"]
    drawn = render_to_string(task_page.TEMPLATE, {"page": page, "round": page.round}, request)
    request.META["CSRF_COOKIE"] = token
    return masked(joined), masked(drawn)


def masked(html: str) -> str:
    """Without the token, which is another each time."""
    before, *rest = html.split('name="csrfmiddlewaretoken" value="')
    return before + "".join(part.partition('"')[2] for part in rest)


@pytest.mark.parametrize("mode", ["score", "compare"])
@pytest.mark.parametrize("options", [{}, {"ask_confidence": True, "break_minutes": 40, "warn": False}])
def test_a_task_joined_from_parts_is_what_the_templates_draw(mode: str, options: dict[str, Any]) -> None:
    task_page._kept.clear()
    shown = pages(mode, **options)
    assert len({page.task.public_id for page in shown}) == 3
    for page in shown:
        joined, drawn = both(page)
        assert joined == drawn
    assert len(task_page._kept) == 2  # the first, and those after a judgment that was saved


def test_a_page_with_more_than_a_fresh_task_is_not_joined(client: Client) -> None:
    """A draft, what was refused, another title: nothing of it gets among the parts that others see."""
    task_page._kept.clear()
    round = round_factory(items=3, criteria=[CORRECT])
    rater = member(round.project, "rater")
    address = reverse("annotation:rate", args=[round.public_id])
    client.force_login(rater)
    client.get(address)
    task = Assignment.objects.get(state=0).public_id
    sent = {"task": task, "key": "k" * 12}
    refused = client.post(address + "submit/", sent, headers={"X-Rate": "1"})
    assert (refused.status_code, len(task_page._kept)) == (422, 0)
    client.post(address + "submit/", sent | {"c-correct": "2"}, headers={"X-Rate": "1"})
    Round.objects.update(title="Another title")
    task = Assignment.objects.get(state=0).public_id
    next_one = client.post(
        address + "submit/", sent | {"task": task, "key": "l" * 12, "c-correct": "1"}, headers={"X-Rate": "1"}
    )
    assert "Another title" in next_one.content.decode()
    assert len(task_page._kept) == 2

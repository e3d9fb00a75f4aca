"""Raters who come into a round by its link, by a list, or chosen from the members."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from annotation.lanes import Requirements, lanes_for
from annotation.models import Round, RoundLink, Seat
from annotation.services import round_links as service
from annotation.services.rounds import round_close
from projects.errors import ServiceError
from projects.models import Membership
from tests.annotation.test_training import practised
from tests.factories import PASSWORD, member, project_factory, round_factory, user_factory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def address(link: RoundLink) -> str:
    return reverse("annotation:round_link", args=[service.token_of(link)])


def newcomer(link: RoundLink, name: str) -> int:
    sent = {"name": name, "email": f"{name}@example.org", "password": PASSWORD}
    return Client().post(address(link), sent).status_code


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def a_link(round: Round, places: int = 2) -> RoundLink:
    return service.link_make(round=round, places=places, days=7, actor=None)


def test_who_follows_the_link_gets_an_account_and_starts_with_the_training() -> None:
    round = practised()
    link = a_link(round)
    client = Client()
    page = client.get(address(link)).content.decode()
    assert round.title in page
    assert round.project.name not in page, "a stranger learns what raters see and nothing more"
    sent = {"name": "Jo", "email": "jo@example.org", "password": PASSWORD}
    answer = client.post(address(link), sent)
    assert answer.url == reverse("annotation:rate", args=[round.public_id])
    assert "Practice first" in client.get(answer.url).content.decode()
    jo = User.objects.get(email="jo@example.org")
    assert Membership.objects.get(user=jo).role == "rater"
    assert Seat.objects.get(rater__user=jo).state == "training"


def test_places_are_exact_and_who_is_in_takes_none() -> None:
    round = round_factory()
    link = a_link(round)
    bob = as_(member(round.project, "rater", "Bob"))
    for _ in range(2):
        assert bob.post(address(link)).url == reverse("annotation:rate", args=[round.public_id])
    link.refresh_from_db()
    assert link.n_used == 1
    assert newcomer(link, "jo") == 302
    assert newcomer(link, "kim") == 404
    assert not User.objects.filter(email="kim@example.org").exists()
    assert bob.get(address(link)).status_code == 200, "who sits in the round finds it again"


def _revoke(link: RoundLink) -> None:
    service.link_revoke(link=link, actor=None)


def _expire(link: RoundLink) -> None:
    RoundLink.objects.filter(pk=link.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def _close(link: RoundLink) -> None:
    round_close(round=link.round, actor=None)


@pytest.mark.parametrize("end", [_revoke, _expire, _close])
def test_a_link_that_has_ended_lets_nobody_in(end: object) -> None:
    link = a_link(round_factory())
    end(link)  # type: ignore[operator]
    assert newcomer(link, "jo") == 404
    assert as_(user_factory("Eve")).post(address(link)).status_code == 404
    assert Client().get(reverse("annotation:round_link", args=[link.key + ".forged"])).status_code == 404
    assert not Membership.objects.filter(project=link.round.project, role="rater").exists()


def test_a_viewer_does_not_become_a_rater_by_it() -> None:
    link = a_link(round_factory())
    ann = member(link.round.project, "viewer", "Ann")
    page = as_(ann).post(address(link), follow=True).content.decode()
    assert "Your role in this project does not judge" in page
    assert not Seat.objects.filter(rater__user=ann).exists()


def test_a_list_adds_members_and_gives_everybody_else_a_link_of_their_own() -> None:
    alice = user_factory("Alice")
    round = round_factory(project_factory("Support", lead=alice))
    bob = member(round.project, "rater", "Bob")
    viewer = member(round.project, "viewer", "Vi")
    lead, url = as_(alice), reverse("annotation:raters", args=[round.project.slug, round.slug])
    sent = {"text": f"{bob.email}, {viewer.email}, jo@example.org\nnonsense"}
    page = lead.post(url, sent | {"act": "check"}).content.decode()
    assert "1 person gets" in page
    assert "nonsense" in page
    assert not Seat.objects.exists()
    for _ in range(2):  # the second time, the first link is replaced
        lead.post(url, sent | {"act": "invite"})
    assert list(Seat.objects.values_list("rater__user", flat=True)) == [bob.pk]
    first, link = RoundLink.objects.order_by("pk")
    assert first.revoked_at is not None
    lines = lead.post(url, {"act": "file"}).content.decode().splitlines()
    assert lines == ["email,link", f"jo@example.org,http://testserver{address(link)}"]
    assert as_(user_factory("Eve")).post(address(link)).status_code == 302
    assert not Seat.objects.filter(rater__user__name="Eve").exists(), "it is for its address only"
    assert newcomer(link, "other") == 302
    assert User.objects.filter(email="jo@example.org").exists()


def test_members_are_chosen_and_foreign_ones_are_not_touched() -> None:
    round = round_factory()
    bob = member(round.project, "rater", "Bob")
    elsewhere = Membership.objects.get(user=member(project_factory(), "rater", "Eve"))
    mine = Membership.objects.get(user=bob)
    assert service.members_seat(round=round, members=[mine.pk, elsewhere.pk], actor=None) == 1
    assert list(Seat.objects.values_list("rater__user", flat=True)) == [bob.pk]
    with pytest.raises(ServiceError, match="at least one member"):
        service.members_seat(round=round, members=[mine.pk], actor=None)


@pytest.mark.parametrize(("places", "days"), [(0, 7), (1001, 7), (1, 0), (1, 366)])
def test_a_link_without_sense_is_refused(places: int, days: int) -> None:
    with pytest.raises(ServiceError):
        service.link_make(round=round_factory(), places=places, days=days, actor=None)
    assert not RoundLink.objects.exists()


def test_a_list_says_what_its_people_can_judge_and_they_get_such_tasks() -> None:
    round = round_factory(items=2, systems=1, overlap=1, requirements=Requirements(qualification="expert"))
    text = "email,languages,qualifications\njo@example.org,en|de,expert\nkim@example.org,,"
    lead = as_(member(round.project, "lead"))
    page = lead.post(
        reverse("annotation:raters", args=[round.project.slug, round.slug]), {"act": "check", "text": text}
    )
    assert "de, en" in page.content.decode()
    assert service.raters_invite(round=round, text=text, actor=None) == (0, 2)
    for name, able in (("jo", True), ("kim", False)):
        newcomer(RoundLink.objects.get(email=f"{name}@example.org"), name)
        seat = Seat.objects.get(round=round, rater__user__email=f"{name}@example.org")
        assert bool(lanes_for(seat.eligibility, 0)) is able
    assert Membership.objects.get(user__email="jo@example.org").languages == ["de", "en"]

"""Members and invitations. Alice leads, Bob is a member, Charlie leads elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from projects.models import Invitation, Membership, Project
from projects.services.people import invitation_create, invitation_revoke
from tests.factories import PASSWORD, member, project_factory, user_factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return user_factory("Alice")


@pytest.fixture
def project(alice: User) -> Project:
    return project_factory("Support", lead=alice)


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def role(project: Project, user: User) -> str | None:
    return Membership.objects.filter(project=project, user=user).values_list("role", flat=True).first()


def invite(project: Project, role: str = "rater", email: str = "") -> str:
    lead = Membership.objects.filter(project=project, role="lead").earliest("pk").user
    _, token = invitation_create(project=project, email=email, role=role, actor=lead)
    return reverse("projects:invitation", args=[token])


NEW = {"name": "Bob", "email": "bob@example.org", "password": PASSWORD}


# --- Invitations ---------------------------------------------------------------------------------------
def test_a_lead_gets_a_link_once_and_it_lets_a_new_person_in(project: Project, alice: User, client: Client) -> None:
    people = reverse("projects:people", args=[project.slug])
    page = as_(alice).post(people, {"email": "", "role": "viewer"}).content.decode()
    link = page.split('id="invitation-link" readonly value="')[1].split('"')[0]
    assert link not in as_(alice).get(people).content.decode()
    assert "Join Support" in client.get(link).content.decode()
    answer = client.post(link, NEW)
    bob = User.objects.get(email="bob@example.org")
    assert answer.url == reverse("analytics:overview", args=[project.slug])
    assert role(project, bob) == "viewer"
    assert client.session["_auth_user_id"] == str(bob.pk)
    assert not EmailAddress.objects.get(user=bob).verified, "anybody could have held this link"


def test_a_rater_is_sent_to_the_work(project: Project, client: Client) -> None:
    assert client.post(invite(project), NEW).url == reverse("annotation:home")


def test_an_account_that_exists_joins_by_one_press(project: Project) -> None:
    bob, link = user_factory("Bob"), invite(project, "reviewer")
    client = as_(bob)
    assert bob.email in client.get(link).content.decode()
    assert role(project, bob) is None, "reading the page changes nothing"
    client.post(link)
    assert role(project, bob) == "reviewer"


def test_a_link_works_once(project: Project, client: Client) -> None:
    link = invite(project)
    client.post(link, NEW)
    second = as_(user_factory("Eve")).post(link)
    third = Client().post(link, NEW | {"email": "mallory@example.org"})
    assert second.status_code == third.status_code == 404
    assert not User.objects.filter(email="mallory@example.org").exists()
    assert Membership.objects.filter(project=project).count() == 2


def _expire(project: Project) -> None:
    Invitation.objects.filter(project=project).update(expires_at=timezone.now() - timedelta(seconds=1))


def _revoke(project: Project) -> None:
    invitation_revoke(invitation=Invitation.objects.get(project=project), actor=None)


@pytest.mark.parametrize("end", [_expire, _revoke])
def test_an_ended_link_is_refused_like_one_that_never_was(project: Project, client: Client, end: object) -> None:
    link = invite(project)
    end(project)  # type: ignore[operator]
    unknown = reverse("projects:invitation", args=["never-made"])
    bob = as_(user_factory("Bob"))
    for url in (link, unknown):
        assert client.get(url).status_code == client.post(url, NEW).status_code == 404
        assert bob.post(url).status_code == 404
        assert project.name not in client.get(url).content.decode()
    assert not User.objects.filter(email="bob@example.org").exists()
    assert Membership.objects.filter(project=project).count() == 1


def test_a_link_for_an_address_is_only_for_that_address(project: Project) -> None:
    link = invite(project, email="bob@example.org")
    eve = user_factory("Eve")
    page = as_(eve).get(link).content.decode()
    assert "bob@example.org" in page
    assert ">Join</button>" not in page
    as_(eve).post(link)
    assert role(project, eve) is None
    assert Invitation.objects.get().accepted_at is None


def test_a_new_account_cannot_change_the_address_of_its_invitation(project: Project, client: Client) -> None:
    client.post(invite(project, email="bob@example.org"), NEW | {"email": "eve@example.org"})
    user = User.objects.exclude(name="Alice").get()
    assert user.email == "bob@example.org"
    assert EmailAddress.objects.get(user=user).verified


def test_an_address_that_has_an_account_makes_no_second_one(project: Project, client: Client) -> None:
    user_factory("Bob", email="bob@example.org")
    page = client.post(invite(project), NEW).content.decode()
    assert "log in to join" in page.lower()
    assert User.objects.filter(email="bob@example.org").count() == 1
    assert Invitation.objects.get().accepted_at is None


@pytest.mark.parametrize("password", ["short", "0123456789", "password12"])
def test_a_weak_password_makes_no_account(project: Project, client: Client, password: str) -> None:
    page = client.post(invite(project), NEW | {"password": password}).content.decode()
    assert 'id="id_password_error"' in page
    assert not User.objects.filter(email="bob@example.org").exists()


def test_a_lead_revokes_an_invitation(project: Project, alice: User, client: Client) -> None:
    link = invite(project)
    pk = Invitation.objects.get().pk
    as_(alice).post(reverse("projects:invitation_revoke", args=[project.slug, pk]))
    assert client.get(link).status_code == 404


def test_members_are_not_invited_again(project: Project, alice: User) -> None:
    people = reverse("projects:people", args=[project.slug])
    page = as_(alice).post(people, {"email": alice.email, "role": "rater"}).content.decode()
    assert "is a member of this project already" in page
    assert not Invitation.objects.exists()


# --- Roles and removal ----------------------------------------------------------------------------------
def test_a_role_change_holds_from_the_next_request(project: Project, alice: User) -> None:
    bob = member(project, "viewer", "Bob")
    client, items = as_(bob), reverse("projects:items", args=[project.slug])
    assert client.get(items).status_code == 200
    pk = Membership.objects.get(user=bob).pk
    as_(alice).post(reverse("annotation:member_change", args=[project.slug, pk]), {"role": "rater"})
    assert role(project, bob) == "rater"
    assert client.get(items).status_code == 404


def test_a_project_keeps_a_lead(project: Project, alice: User) -> None:
    pk = Membership.objects.get(user=alice).pk
    client = as_(alice)
    change = reverse("annotation:member_change", args=[project.slug, pk])
    remove = reverse("annotation:member_remove", args=[project.slug, pk])
    for url in (change, remove):
        page = client.post(url, {"role": "viewer"}, follow=True).content.decode()
        assert "A project keeps at least one lead" in page
        assert role(project, alice) == "lead"


def test_a_lead_may_step_down_when_there_is_another(project: Project, alice: User) -> None:
    member(project, "lead", "Bob")
    pk = Membership.objects.get(user=alice).pk
    answer = as_(alice).post(reverse("annotation:member_change", args=[project.slug, pk]), {"role": "viewer"})
    assert answer.url == "/"
    assert role(project, alice) == "viewer"


def test_an_unknown_role_changes_nothing(project: Project, alice: User) -> None:
    bob = member(project, "viewer", "Bob")
    pk = Membership.objects.get(user=bob).pk
    url = reverse("annotation:member_change", args=[project.slug, pk])
    page = as_(alice).post(url, {"role": "owner"}, follow=True).content.decode()
    assert "choose one of the four roles" in page
    assert role(project, bob) == "viewer"


def test_a_removed_member_gets_404_at_once(project: Project, alice: User) -> None:
    bob = member(project, "viewer", "Bob")
    client, overview = as_(bob), reverse("analytics:overview", args=[project.slug])
    assert client.get(overview).status_code == 200
    pk = Membership.objects.get(user=bob).pk
    url = reverse("annotation:member_remove", args=[project.slug, pk])
    assert "judgments stay" in as_(alice).get(url).content.decode()
    assert role(project, bob) == "viewer", "the question changes nothing"
    as_(alice).post(url)
    assert client.get(overview).status_code == 404


# --- Who may -------------------------------------------------------------------------------------------
PAGES = ["analytics:overview", "projects:items", "projects:metrics", "projects:people", "projects:settings"]
LEADS_ONLY = {"projects:people", "projects:settings"}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("who", ["lead", "reviewer", "viewer", "rater", "stranger"])
def test_pages_by_role(project: Project, name: str, who: str) -> None:
    if who == "stranger":
        user = user_factory("Charlie")
        project_factory("Elsewhere", lead=user)
    else:
        user = member(project, who)
    allowed = who == "lead" or (who in ("reviewer", "viewer") and name not in LEADS_ONLY)
    answer = as_(user).get(reverse(name, args=[project.slug]))
    assert answer.status_code == (200 if allowed else 404)


@pytest.mark.parametrize("name", PAGES)
def test_who_is_not_logged_in_is_asked_to(project: Project, client: Client, name: str) -> None:
    url = reverse(name, args=[project.slug])
    assert client.get(url).url == f"{reverse('account_login')}?next={url}"


def test_a_foreign_project_and_a_missing_one_look_alike(project: Project) -> None:
    client = as_(user_factory("Charlie"))
    for name in PAGES:
        foreign = client.get(reverse(name, args=[project.slug]))
        missing = client.get(reverse(name, args=["no-such-project"]))
        assert (foreign.status_code, foreign.content) == (404, missing.content)


@pytest.mark.parametrize("name", ["annotation:member_change", "annotation:member_remove", "projects:invitation_revoke"])
def test_rows_of_another_project_look_missing(project: Project, alice: User, name: str) -> None:
    charlie = user_factory("Charlie")
    other = project_factory("Elsewhere", lead=charlie)
    invite(other)
    rows = {"projects:invitation_revoke": Invitation.objects.get(project=other).pk}
    pk = rows.get(name, Membership.objects.get(project=other).pk)
    client = as_(alice)
    foreign = client.post(reverse(name, args=[project.slug, pk]), {"role": "viewer"})
    missing = client.post(reverse(name, args=[project.slug, 10**9]), {"role": "viewer"})
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert role(other, charlie) == "lead"
    assert Invitation.objects.get(project=other).revoked_at is None


def test_the_people_page_costs_the_same_with_many_people(project: Project, alice: User) -> None:
    client, url = as_(alice), reverse("projects:people", args=[project.slug])
    for _ in range(2):
        member(project, "rater")
        invite(project)
    few = _queries(client, url)
    for _ in range(15):
        member(project, "rater")
        invite(project)
    assert _queries(client, url) == few


def _queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as caught:
        assert client.get(url).status_code == 200
    return len(caught)

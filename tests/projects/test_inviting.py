"""Many people invited from a pasted list."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from projects.models import AuditEvent, Invitation, Membership
from projects.people_list import read_list
from projects.services import inviting
from projects.services.people import invitation_accept
from tests.factories import PASSWORD, member, project_factory, user_factory

MANY = " ".join(f"a{n}@b.org" for n in range(1001))


def read(text: str) -> tuple[list[tuple[int, str]], list[int], int]:
    found = read_list(text)
    return [(a.line, a.email) for a in found.addresses], [u.line for u in found.unread], found.again


def test_a_list_is_read_in_the_ways_people_write_one() -> None:
    text = (
        "Ann@Example.org\n\n"
        "bo@example.org, cy@example.org;di@example.org\n"
        '"Roth, Ines" <ines@example.org>, Lindqvist, Mara <mara@example.org>\n'
        "eve@example.org finn@example.org\n"
        "mailto:gus@example.org\n"
        "ann@example.org"
    )
    addresses, unread, again = read(text)
    names = ["ann", "bo", "cy", "di", "ines", "mara", "eve", "finn", "gus"]
    assert addresses == [(n, f"{name}@example.org") for n, name in zip([1, 3, 3, 3, 4, 4, 5, 5, 6], names, strict=True)]
    assert (unread, again) == ([], 1)


def test_a_table_is_read_by_its_column() -> None:
    assert read('name;E-Mail\n"Roth; Ines";ines@example.org\nJo;\nKim;kim at example.org\n') == (
        [(2, "ines@example.org")],
        [3, 4],
        0,
    )


def test_a_table_says_what_people_can_judge() -> None:
    found = read_list(
        "languages;e-mail;Qualifications\n"
        "de, en-GB;ann@example.org;expert/native speaker\n"
        ";bo@example.org;\n"
        "Deutsch;cy@example.org;\n"
        f"de;di@example.org;{'x' * 31}\n"
        "de;en;eve@example.org;expert\n"
    )
    ann, bo = found.addresses
    assert (ann.languages, ann.qualifications) == (("de", "en-GB"), ("expert", "native speaker"))
    assert (bo.languages, bo.qualifications) == ((), ())
    assert [(row.line, row.why.split(".")[0]) for row in found.unread] == [
        (4, "“Deutsch” is not a language"),
        (5, f"“{'x' * 31}” is too long for a qualification: at most 30 characters"),
        (6, "This row has more cells than the first line"),
    ]


@pytest.mark.django_db
def test_who_joins_by_such_a_table_can_judge_what_it_said() -> None:
    alice = user_factory("Alice")
    project = project_factory("Support", lead=alice)
    bob = member(project, "rater", "Bob")
    lead = Client()
    lead.force_login(alice)
    sent = {"text": f"email,languages\njo@example.org,de\n{bob.email},fr\nkim@example.org,Basque", "role": "rater"}
    page = lead.post(reverse("projects:invite_list", args=[project.slug]), sent).content.decode()
    assert all(words in page for words in ('<td role="cell" data-l="Languages">de</td>', "stays as it is", "“Basque”"))
    (made,) = inviting.invite_list(project=project, text=sent["text"], role="rater", actor=alice)
    jo = invitation_accept(token=made.token, user=user_factory("Jo", email="jo@example.org"))
    assert (jo.languages, jo.qualifications) == (["de"], [])
    assert Membership.objects.get(user=bob).languages == []


@pytest.mark.parametrize("bad", ["ann", "ann@", "<>", "Ann <ann>", "a b <x@y z>", f"{'a' * 250}@example.org", '"open'])
def test_what_is_no_address_is_said_with_its_line(bad: str) -> None:
    addresses, unread, _ = read(f"ok@example.org\n{bad}")
    assert addresses == [(1, "ok@example.org")]
    assert set(unread) == {2}


@pytest.mark.django_db
def test_a_list_is_shown_first_and_then_each_address_has_its_own_link(client: Client) -> None:
    alice = user_factory("Alice")
    project = project_factory("Support", lead=alice)
    bob = member(project, "viewer", "Bob")
    _old = inviting.invite_list(project=project, text="jo@example.org", role="viewer", actor=alice)[0]
    lead = Client()
    lead.force_login(alice)
    url = reverse("projects:invite_list", args=[project.slug])
    sent = {"text": f"jo@example.org\n{bob.email}\nkim@example.org\nnonsense", "role": "rater"}
    page = lead.post(url, sent).content.decode()
    assert "Invite 2 people" in page
    assert "1 person is a member already" in page
    assert "nonsense" in page
    assert Invitation.objects.count() == 1, "a preview changes nothing"

    answer = lead.post(url, sent | {"act": "invite"})
    assert answer["Cache-Control"] == "no-store"
    links = re.findall(r'readonly value="(http[^"]+)"', answer.content.decode())
    tokens = [link.rstrip("/").rsplit("/", 1)[1] for link in links]
    assert len(links) == 2
    assert Membership.objects.get(user=bob).role == "viewer"
    assert AuditEvent.objects.filter(verb="invitation.list").count() == 2
    assert client.get(reverse("projects:invitation", args=[_old.token])).status_code == 404, "the older link ended"
    client.post(links[1], {"name": "Kim", "email": "other@example.org", "password": PASSWORD})
    assert Membership.objects.get(user__email="kim@example.org").role == "rater"

    elsewhere = inviting.invite_list(
        project=project_factory("Other"), text="eve@example.org", role="rater", actor=alice
    )
    file = lead.post(
        reverse("projects:invite_file", args=[project.slug]), {"token": [*tokens, elsewhere[0].token, "x"]}
    )
    assert file.content.decode().splitlines() == [
        "email,link", f"jo@example.org,{links[0]}", f"kim@example.org,{links[1]}",
    ]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "role"),
    [("", "rater"), ("nonsense", "rater"), ("jo@example.org", "owner"), (MANY, "rater")],
)
def test_a_list_that_invites_nobody_writes_nothing(text: str, role: str) -> None:
    alice = user_factory("Alice")
    project = project_factory("Support", lead=alice)
    lead = Client()
    lead.force_login(alice)
    sent = {"text": text, "role": role, "act": "invite"}
    assert lead.post(reverse("projects:invite_list", args=[project.slug]), sent).status_code in (200, 422)
    assert not Invitation.objects.exists()

"""Who asks is read ahead only where Django would find the same person; everything else is left to Django."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, get_user, load_backend
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.known_user import read_ahead
from accounts.models import User
from tests.factories import member, round_factory

pytestmark = pytest.mark.django_db


def logged_in(rater: User) -> tuple[HttpRequest, Client]:
    client = Client()
    client.force_login(rater)
    request = RequestFactory().get("/")
    request.session = SessionStore(client.cookies[settings.SESSION_COOKIE_NAME].value)
    return request, client


def test_the_person_is_the_one_django_would_have_found(django_assert_num_queries: Any) -> None:
    round = round_factory()
    request, client = logged_in(member(round.project, "rater"))
    with django_assert_num_queries(2):
        read_ahead(request)
        found: Any = request._cached_user  # type: ignore[attr-defined]
    theirs: Any = get_user(request)
    names = [field.attname for field in User._meta.concrete_fields]
    assert [getattr(found, name) for name in names] == [getattr(theirs, name) for name in names]
    assert dict(request.session.items()) == dict(SessionStore(request.session.session_key).items())
    assert client.get(reverse("annotation:rate", args=[round.public_id])).status_code == 200


def without(name: str) -> Callable[[User, SessionStore], None]:
    def change(_: User, session: SessionStore) -> None:
        session[name] = ""
        session.save()

    return change


def expired(_: User, session: SessionStore) -> None:
    Session.objects.filter(pk=session.session_key).update(expire_date=timezone.now() - timedelta(seconds=1))


def forged(_: User, session: SessionStore) -> None:
    row = Session.objects.get(pk=session.session_key)
    Session.objects.filter(pk=row.pk).update(session_data=row.session_data[:-1] + "!")


def switched_off(user: User, _: SessionStore) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def another_password(user: User, _: SessionStore) -> None:
    user.set_password("quite another one")
    user.save()


def ended(_: User, session: SessionStore) -> None:
    Session.objects.filter(pk=session.session_key).delete()


REFUSED = [expired, forged, switched_off, another_password, ended]
REFUSED += [without(BACKEND_SESSION_KEY), without(HASH_SESSION_KEY)]


@pytest.mark.parametrize("change", REFUSED)
def test_whom_django_turns_away_is_turned_away(change: Callable[[User, SessionStore], None]) -> None:
    round = round_factory()
    rater = member(round.project, "rater")
    request, client = logged_in(rater)
    session: Any = SessionStore(request.session.session_key)
    change(rater, session)
    read_ahead(request)
    assert not hasattr(request, "_cached_user")
    answer = client.get(reverse("annotation:rate", args=[round.public_id]))
    assert answer.status_code == 302
    assert reverse("account_login") in answer["Location"]


def test_every_backend_finds_people_as_django_does() -> None:
    """What is read ahead is what this method reads; a backend with another one would be passed over."""
    for name in settings.AUTHENTICATION_BACKENDS:
        backend: Any = type(load_backend(name))
        assert backend.get_user is ModelBackend.get_user
        assert backend.user_can_authenticate is ModelBackend.user_can_authenticate

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from accounts.models import ApiToken
from accounts.services import AccountError, token_create, token_revoke
from tests.factories import user_factory

pytestmark = pytest.mark.django_db
URL = "/tokens/"


def make(client: Client, **data: object) -> str:
    answer = client.post(URL, {"name": "pipeline", "scope": "read", "days": 30} | data)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_token_is_shown_once_and_only_its_hash_is_kept(client: Client) -> None:
    client.force_login(user_factory())
    page = make(client)
    token = ApiToken.objects.get()
    secret = page.split('id="secret" readonly value="')[1].split('"')[0]
    assert secret.startswith("adj_")
    assert secret not in str(ApiToken.objects.values())
    assert secret not in client.get(URL).content.decode()
    user, _ = TokenAuthentication().authenticate_credentials(secret.encode())
    assert user == token.user


@pytest.mark.parametrize(("scope", "can_write"), [("read", False), ("write", True)])
def test_the_scope_is_kept(client: Client, scope: str, can_write: bool) -> None:
    client.force_login(user_factory())
    make(client, scope=scope)
    assert ApiToken.objects.get().can_write is can_write


@pytest.mark.parametrize("days", ["0", "366", "-1", "ten"])
def test_a_token_lasts_at_most_a_year(client: Client, days: str) -> None:
    client.force_login(user_factory())
    assert "field-error" in make(client, days=days)
    assert not ApiToken.objects.exists()


def test_the_service_refuses_as_the_form_does() -> None:
    with pytest.raises(AccountError, match="from 1 to 365 days"):
        token_create(user=user_factory(), name="x", can_write=False, days=366)
    with pytest.raises(AccountError, match="needs a name"):
        token_create(user=user_factory(), name=" ", can_write=False, days=1)


def test_a_revoked_token_is_refused_at_once(client: Client) -> None:
    user = user_factory()
    client.force_login(user)
    token, secret = token_create(user=user, name="pipeline", can_write=False, days=1)
    client.post(reverse("accounts:token_revoke", args=[token.token_key]))
    with pytest.raises(AuthenticationFailed):
        TokenAuthentication().authenticate_credentials(secret.encode())


def test_nobody_revokes_the_token_of_another(client: Client) -> None:
    token, _ = token_create(user=user_factory("Alice"), name="pipeline", can_write=False, days=1)
    client.force_login(user_factory("Charlie"))
    missing = client.post(reverse("accounts:token_revoke", args=["adj_nothing"]))
    foreign = client.post(reverse("accounts:token_revoke", args=[token.token_key]))
    assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert ApiToken.objects.filter(pk=token.pk).exists()


def test_an_expired_token_says_so(client: Client) -> None:
    user = user_factory()
    token, _ = token_create(user=user, name="pipeline", can_write=False, days=1)
    ApiToken.objects.filter(pk=token.pk).update(expiry=timezone.now() - timedelta(days=1))
    client.force_login(user)
    assert "Expired" in client.get(URL).content.decode()


def test_the_list_costs_the_same_with_many_tokens(client: Client, django_assert_num_queries: object) -> None:
    user = user_factory()
    client.force_login(user)
    for n in range(2):
        token_create(user=user, name=f"t{n}", can_write=False, days=1)
    client.get(URL)
    with django_assert_num_queries(3):  # type: ignore[operator]  # session, user, tokens
        client.get(URL)
    for n in range(20):
        token_create(user=user, name=f"u{n}", can_write=False, days=1)
    with django_assert_num_queries(3):  # type: ignore[operator]
        client.get(URL)


def test_revoking_twice_is_no_error() -> None:
    user = user_factory()
    token, _ = token_create(user=user, name="pipeline", can_write=False, days=1)
    assert token_revoke(user=user, token_key=token.token_key)
    assert not token_revoke(user=user, token_key=token.token_key)

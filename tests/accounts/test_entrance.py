"""Getting in: log-in by e-mail, no open sign-up, no telling who has an account."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services import AccountError, user_create
from tests.factories import PASSWORD, user_factory

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def test_a_person_logs_in_with_the_e_mail_in_any_case(client: Client) -> None:
    user = user_create(email="Ines@Example.org", name="Ines", password=PASSWORD)
    answer = client.post(LOGIN, {"login": "INES@example.ORG", "password": PASSWORD})
    assert answer.status_code == 302
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_wrong_password_and_an_unknown_person_read_alike(client: Client) -> None:
    user_factory("Alice", email="alice@example.org")
    known = client.post(LOGIN, {"login": "alice@example.org", "password": "wrong"}).content.decode()
    unknown = client.post(LOGIN, {"login": "nobody@example.org", "password": "wrong"}).content.decode()
    assert "not correct" in known
    assert _plain(known) == _plain(unknown)


def test_a_password_reset_answers_the_same_for_a_stranger(client: Client) -> None:
    user_create(email="alice@example.org", password=PASSWORD)
    url = reverse("account_reset_password")
    answers = [client.post(url, {"email": f"{name}@example.org"}, follow=True) for name in ("alice", "nobody")]
    assert [answer.redirect_chain for answer in answers] == [[(reverse("account_reset_password_done"), 302)]] * 2
    assert _plain(answers[0].content.decode()) == _plain(answers[1].content.decode())
    bodies = {message.to[0]: message.body for message in mail.outbox}
    assert "/password/reset/key/" in bodies["alice@example.org"]
    assert "There is no account for this address" in bodies["nobody@example.org"]


def test_sign_up_is_closed(client: Client) -> None:
    url = reverse("account_signup")
    assert "by invitation" in client.get(url).content.decode()
    client.post(url, {"email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD})
    assert not User.objects.filter(email="eve@example.org").exists()


def test_logging_out_takes_a_post(client: Client) -> None:
    client.force_login(user_factory())
    client.get(reverse("account_logout"))
    assert "_auth_user_id" in client.session
    client.post(reverse("account_logout"))
    assert "_auth_user_id" not in client.session


def test_two_accounts_never_share_an_address() -> None:
    user_create(email="alice@example.org", password=PASSWORD)
    with pytest.raises(AccountError, match="account for alice@example.org already"):
        user_create(email="ALICE@example.org", password=PASSWORD)
    assert EmailAddress.objects.filter(email="alice@example.org").count() == 1


@pytest.mark.parametrize(
    "name",
    [
        "account_login", "account_logout", "account_change_password", "account_email", "account_reauthenticate",
        "account_reset_password", "account_reset_password_done", "account_reset_password_from_key_done",
        "account_inactive", "account_email_verification_sent", "mfa_index", "accounts:profile", "accounts:tokens",
        "projects:help",
    ],
)  # fmt: skip
def test_account_pages_stand_in_our_frame(client: Client, name: str) -> None:
    client.force_login(user_create(email="alice@example.org", name="Alice", password=PASSWORD))
    answer = client.get(reverse(name), follow=True)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'class="topbar"' in page
    assert "<h1" in page
    assert "Menu:" not in page, "this is allauth's own frame"


def test_two_step_log_in_can_be_started(client: Client) -> None:
    user = user_create(email="alice@example.org", password=PASSWORD, email_verified=True)
    client.post(LOGIN, {"login": user.email, "password": PASSWORD})
    activate = reverse("mfa_activate_totp")
    assert "Confirm" in client.get(activate, follow=True).content.decode(), "the password is asked for again"
    again = {"password": PASSWORD, "next": activate}
    page = client.post(reverse("account_reauthenticate"), again, follow=True).content.decode()
    assert "data:image/svg+xml" in page
    assert 'class="field"' in page


def test_a_person_changes_the_own_name(client: Client) -> None:
    user = user_factory("Alice")
    client.force_login(user)
    client.post(reverse("accounts:profile"), {"name": "  Alice B.  "})
    user.refresh_from_db()
    assert user.name == "Alice B."


def _plain(page: str) -> list[str]:
    """The page without what is drawn anew for each answer."""
    drawn = ("csrf", "nonce=", "example.org")
    return [line for line in page.splitlines() if not any(word in line for word in drawn)]

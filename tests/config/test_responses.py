"""What every answer carries, whatever became of the request."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.config.routes")]

POLICY = {
    "default-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
}
ANSWERS = [
    *(("/accounts/login/", 200), ("/accounts/email/", 302), ("/misunderstand", 400), ("/refuse", 403)),
    *(
        ("/nothing-here", 404),
        ("/api/v1/private", 401),
        ("/fail", 500),
        ("/api/v1/fail", 500),
        ("/healthz", 200),
    ),
    ("/static/django_htmx/htmx-2.min.js", 200),
]


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def policy(answer: Any) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";")]
    return {name: value for name, _, value in parts if name}


@pytest.mark.parametrize(("path", "status"), ANSWERS)
def test_every_answer_carries_the_policy(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    answer.close()  # a static file stands open
    assert answer.status_code == status
    found = policy(answer)
    nonce = found.pop("script-src")
    assert found == POLICY
    assert re.fullmatch(r"'nonce-[A-Za-z0-9+/=]{22,}' 'strict-dynamic'|'strict-dynamic' 'nonce-[^ ]{22,}'", nonce)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["X-Request-ID"]


def test_the_policy_is_on_the_redirect_to_https_too(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    client = Client()  # the middleware reads its settings once
    answer = client.get("/accounts/login/")
    assert (answer.status_code, answer["Location"]) == (301, "https://testserver/accounts/login/")
    assert policy(answer)["default-src"] == "'self'"
    assert client.get("/healthz").status_code == 200


def test_the_nonce_is_new_each_time(client: Client) -> None:
    first, second = (policy(client.get("/healthz"))["script-src"] for _ in range(2))
    assert first != second


@pytest.mark.parametrize(("path", "status"), [entry for entry in ANSWERS if "static" not in entry[0]])
def test_no_page_is_stored(client: Client, path: str, status: int) -> None:
    client.force_login(get_user_model().objects.create_user("alice@example.org"))
    assert "no-store" in client.get(path)["Cache-Control"]


def test_static_files_may_be_stored(client: Client) -> None:
    answer = client.get("/static/django_htmx/htmx-2.min.js")
    answer.close()
    assert "no-store" not in answer["Cache-Control"]


def test_a_form_without_its_token_is_refused_in_words() -> None:
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a", "password": "b"})
    assert answer.status_code == 403
    assert "reload the page" in answer.text


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/api/v1/private", 401, "Unauthorized"),
        ("/api/v1/nothing-here", 404, "Not found"),
        ("/api/v1/fail", 500, "Server error"),
        ("/api/v1/push", 405, "Method Not Allowed"),
    ],
)
def test_the_api_tells_problems_in_one_shape(client: Client, path: str, status: int, title: str) -> None:
    answer = client.get(path)
    assert answer["Content-Type"] == "application/problem+json"
    content = answer.json()
    assert (content["type"], content["title"], content["status"]) == ("about:blank", title, status)
    assert content["detail"].endswith(".")
    assert answer.status_code == status


def test_the_api_says_where_the_content_is_wrong(client: Client) -> None:
    content = {"scores": [{"value": 3}, {"value": 9}]}
    answer = client.post("/api/v1/push", content, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert {error["pointer"]: error["code"] for error in answer.json()["errors"]} == {
        "/system": "required",
        "/scores/1/value": "max_value",
    }


def test_a_proxys_request_id_is_kept_only_behind_a_proxy(client: Client, settings: Any) -> None:
    header = {"X-Request-ID": "0123456789abcdef"}
    assert client.get("/healthz", headers=header)["X-Request-ID"] != header["X-Request-ID"]
    settings.TRUSTED_PROXIES = 1
    assert client.get("/healthz", headers=header)["X-Request-ID"] == header["X-Request-ID"]
    assert client.get("/healthz", headers={"X-Request-ID": "a\\b"})["X-Request-ID"] != "a\\b"


def test_ten_wrong_passwords_end_in_429(client: Client) -> None:
    get_user_model().objects.create_user("alice@example.org", "correct horse battery")
    wrong = {"login": "alice@example.org", "password": "wrong"}
    answers = [client.post("/accounts/login/", wrong) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert answers[10]["Retry-After"] == "300"
    assert "minutes" in answers[10].text
    right = client.post("/accounts/login/", {**wrong, "password": "correct horse battery"})
    assert right.status_code == 429


def test_nobody_signs_up_uninvited(client: Client) -> None:
    client.post("/accounts/signup/", {"email": "eve@example.org", "password1": "x" * 12, "password2": "x" * 12})
    assert not get_user_model().objects.exists()

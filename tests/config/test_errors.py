"""Error pages and answers; no test here may touch a database."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.urls("tests.config.routes")


@pytest.mark.parametrize(
    ("path", "status"), [("/misunderstand", 400), ("/refuse", 403), ("/nothing", 404), ("/fail", 500)]
)
def test_an_error_page_says_what_happened(path: str, status: int) -> None:
    client = Client(raise_request_exception=False)
    client.cookies["adjudge_session"] = "somebody"  # would be looked up if anything asked for it
    answer = client.get(path)
    assert answer.status_code == status
    assert answer["Content-Type"].startswith("text/html")
    assert "Go to the start page" in answer.text
    assert "canary" not in answer.text

"""What holds for every address of the API: the schema, the problem details, who gets in."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from jsonschema import Draft202012Validator

from accounts.models import ApiToken, User
from projects.models import Project
from tests.api.conftest import Caller, caller_of
from tests.factories import member

SCHEMA = Path(settings.BASE_DIR) / "docs" / "openapi.json"


def test_the_committed_schema_is_the_generated_one() -> None:
    out = io.StringIO()
    call_command("spectacular", "--format", "openapi-json", "--validate", "--fail-on-warn", stdout=out)
    committed = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert json.loads(out.getvalue()) == committed, (
        "The API changed. Run: python manage.py spectacular --format openapi-json --file docs/openapi.json"
    )


@pytest.mark.django_db
def test_the_schema_is_served_to_anybody() -> None:
    answer = Client().get("/api/v1/schema/?format=json")
    assert answer.status_code == 200
    assert answer.json()["paths"].keys() == json.loads(SCHEMA.read_text(encoding="utf-8"))["paths"].keys()


@pytest.mark.django_db
def test_answers_have_the_shape_the_schema_says(lead: Caller, project: Project) -> None:
    lead.post(
        "projects/support/outputs/",
        {
            "outputs": [{"item": "q1", "system": "small", "output": "4"}],
            "scores": [{"item": "q1", "system": "small", "metric": "m", "value": 1}],
        },
    )
    document = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for name in ("", "{project}/", "{project}/items/", "{project}/systems/", "{project}/metrics/"):
        answer = lead.get("projects/" + name.format(project="support")).json()
        said = document["paths"][f"/api/v1/projects/{name}"]["get"]["responses"]["200"]["content"]
        Draft202012Validator(_nullable({**document, **said["application/json"]["schema"]})).validate(answer)
        assert answer.get("results", True)


def _nullable(schema: Any) -> Any:
    """OpenAPI 3.0 says nullable where JSON Schema has a list of types."""
    if isinstance(schema, list):
        return [_nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _nullable(value) for key, value in schema.items() if key != "nullable"}
    if schema.get("nullable") and "type" in found:
        found["type"] = [found["type"], "null"]
    return found


# --- who gets in ----------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["Token", "Token a b", "Token adj_wrong", "Token \xff\xfe", "Token " + "x" * 5000])
def test_a_bad_token_is_refused_alike(project: Project, header: str) -> None:
    answer = Client().get("/api/v1/projects/", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "Token"


@pytest.mark.django_db
def test_a_token_ends_at_its_hour_and_with_its_owner(alice: User, project: Project) -> None:
    caller = caller_of(alice)
    assert caller.get("projects/").status_code == 200
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert caller.get("projects/").status_code == 401
    User.objects.filter(pk=alice.pk).update(is_active=True)
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert caller.get("projects/").status_code == 401


@pytest.mark.django_db
def test_the_day_of_the_last_use_is_kept(lead: Caller, project: Project) -> None:
    assert ApiToken.objects.get().last_used_on is None
    before = timezone.now().date()
    lead.get("projects/")
    assert ApiToken.objects.get().last_used_on in {before, timezone.now().date()}  # midnight may pass meanwhile


@pytest.mark.django_db
def test_a_removed_member_sees_nothing_at_the_next_request(project: Project) -> None:
    viewer = member(project, "viewer")
    caller = caller_of(viewer)
    assert caller.get("projects/support/items/").status_code == 200
    viewer.memberships.all().delete()
    assert caller.get("projects/support/items/").status_code == 404


@pytest.mark.django_db
def test_a_session_needs_the_csrf_token_to_write(alice: User, project: Project) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.get("/api/v1/projects/support/").status_code == 200
    answer = client.post("/api/v1/projects/support/outputs/", {"items": []}, content_type="application/json")
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"


# --- problem details ------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "nowhere/", 404),
        ("get", "projects/none/", 404),
        ("get", "projects/support/rounds/none/", 404),
        ("delete", "projects/support/", 405),
        ("options", "projects/support/", 405),
        ("put", "projects/support/outputs/", 405),
    ],
)
def test_every_refusal_is_a_problem_with_a_sentence(
    lead: Caller, project: Project, method: str, path: str, status: int
) -> None:
    answer = lead._send(method, path)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == status
    assert found["detail"].endswith(".")


@pytest.mark.django_db
def test_what_belongs_to_others_answers_as_what_is_not_there(charlie: User, project: Project) -> None:
    caller = caller_of(charlie)
    foreign, missing = caller.get("projects/support/"), caller.get("projects/supporting/")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content

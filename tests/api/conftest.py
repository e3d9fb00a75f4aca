from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.services import token_create
from projects.models import Project
from tests.factories import member, project_factory, user_factory

Answer = Any


@dataclass
class Caller:
    """A program with a token."""

    token: str
    client: Client = field(default_factory=Client, repr=False)

    def get(self, path: str, **query: Any) -> Answer:
        return self._send("get", path, data=query)

    def post(self, path: str, content: Any = None) -> Answer:
        return self._send("post", path, data=content, content_type="application/json")

    def raw(self, path: str, body: bytes) -> Answer:
        return self._send("post", path, data=body, content_type="application/json")

    def upload(self, path: str, **fields: Any) -> Answer:
        return self._send("post", path, data=fields)

    def _send(self, method: str, path: str, **options: Any) -> HttpResponse:
        address = path if path.startswith("/api/") else f"/api/v1/{path}"
        headers = {"Authorization": f"Token {self.token}"}
        answer: HttpResponse = getattr(self.client, method)(address, headers=headers, **options)
        return answer


def caller_of(user: User, *, can_write: bool = True) -> Caller:
    return Caller(token_create(user=user, name="test", can_write=can_write, days=1)[1])


@pytest.fixture
def alice(db: None) -> User:
    return user_factory("Alice")


@pytest.fixture
def project(alice: User) -> Project:
    return project_factory("Support", lead=alice)


@pytest.fixture
def lead(alice: User) -> Caller:
    return caller_of(alice)


@pytest.fixture
def caller(project: Project) -> Callable[[str], Caller]:
    """A new member's program, by role."""
    return lambda role: caller_of(member(project, role))


@pytest.fixture
def charlie(db: None) -> User:
    """Leads another project."""
    user = user_factory("Charlie")
    project_factory("Elsewhere", lead=user)
    return user

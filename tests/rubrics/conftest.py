"""Alice leads the project; a draft of three criteria stands in it."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from projects.models import Project
from rubrics.models import RubricVersion
from rubrics.services import rubric_create
from tests.factories import project_factory, user_factory
from tests.rubrics.helpers import SPEC, as_


@pytest.fixture
def alice(db: None) -> User:
    return user_factory("Alice")


@pytest.fixture
def project(alice: User) -> Project:
    return project_factory("Desk", lead=alice)


@pytest.fixture
def draft(project: Project) -> RubricVersion:
    return rubric_create(project=project, spec=SPEC, actor=None)


@pytest.fixture
def lead(alice: User) -> Client:
    return as_(alice)

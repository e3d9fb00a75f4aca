"""Words found in a conversation, on both databases."""

from __future__ import annotations

import pytest

from projects.models import ItemRevision
from tests.factories import item_factory, project_factory

pytestmark = pytest.mark.django_db

SAID = 'Büro sagt: “100 % Refund”\nC:\\temp is "empty"'


@pytest.mark.parametrize(("words", "found"), [
    ("refund", True), ("REFUND", True), ("Büro", True), ("100 %", True), ("1%R", False), ("C:\\temp", True),
    ('"empty"', True), ("”\nC", True), ("t_mp", False), ("“100", True),
    ("user", False), ("content", False), ("assistant", False), ("text", False), ("'; --", False),
])  # fmt: skip
def test_what_was_said_is_found_and_not_how_it_is_kept(words: str, found: bool) -> None:
    item = item_factory(project_factory("Support"))
    messages = [{"role": "user", "content": SAID}, {"role": "assistant", "content": None, "tool_calls": []}]
    ItemRevision.objects.create(item=item, revision=2, current=False, messages=messages, digest="d")
    assert ItemRevision.objects.filter(item=item, messages__says=words).exists() is found

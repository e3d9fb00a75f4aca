"""Cells as Python shows them: read as data with limits, never run."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projects.importers.literals import parsed

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab'\"\\", max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(values, max_size=3) | st.dictionaries(st.text("xy'", max_size=3), values, max_size=3))
def test_what_python_shows_is_what_is_read(value: Any) -> None:
    assert parsed(repr(value)) == value


@settings(max_examples=60, deadline=None)
@given(st.text("[]{}()'\",:=\\abNone1.-_ \n", max_size=60))
def test_any_text_gives_a_value_or_itself(text: str) -> None:
    found = parsed("[" + text)
    assert isinstance(found, list | dict) or found == "[" + text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Score(name='x', score=0.5, label=None)", {"name": "x", "score": 0.5, "label": None}),
        ("array(['a', 'b'], dtype=object)", ["a", "b"]),
        ("['a' 'b'\n 'c']", ["a", "b", "c"]),
        ("{'at': datetime.datetime(2026, 1, 2, 3, 4)}", {"at": "2026-1-2 3:4"}),
        ("('a', 1, True)", ["a", 1, True]),
        ("{'a', 'b'}", ["a", "b"]),
        (r"['it\'s', '\x41\u00e9\n', r'\n']", ["it's", "Aé\n", r"\n"]),
        ('{"json": null}', {"json": None}),
    ],
)
def test_shapes_of_data_frames(text: str, value: Any) -> None:
    assert parsed(text) == value


def test_nan_is_a_number() -> None:
    assert math.isnan(parsed("{'x': nan}")["x"])


@pytest.mark.parametrize(
    "text", ["[__import__('os').system('x')]", "[x]", "[1, +]", "['a", "[" * 500, "f('x')", "plain"]
)
def test_what_is_no_value_stays_a_text(text: str) -> None:
    assert parsed(text) == text


def test_cells_that_are_no_text_stay_what_they_are() -> None:
    assert parsed([1]) == [1]
    assert parsed(None) is None

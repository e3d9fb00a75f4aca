"""The built-in checks one by one: what passes, what does not, what has no value; and that nothing makes them hang."""

from __future__ import annotations

import time
from typing import Any

import pytest

from projects.checks import CHECKS
from projects.checks.base import Given, NoValue, OptionError
from projects.checks.runner import Runner

PARIS = ("Paris", "The city of Paris")
LOOKUP = {"name": "lookup", "arguments": {"id": 7, "full": True}}
SCHEMA = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "pattern": "^[A-Z]{2}$"}}}


def run(key: str, given: Given | str, **options: Any) -> Any:
    check = CHECKS[key]
    given = Given(given) if isinstance(given, str) else given
    return check.run(given, check.read(options)).value


@pytest.mark.parametrize(
    ("key", "text", "options", "value"),
    [
        ("valid_json", '{"a": [1, null]}', {}, True),
        ("valid_json", '{"a": 1,}', {}, False),
        ("valid_json", '{"a": 1, "a": 2}', {}, False),
        ("valid_json", '{"a": NaN}', {}, False),
        ("valid_json", 'Here: {"a": 1}', {}, False),
        ("valid_json", '```json\n{"a": 1}\n```', {}, False),
        ("valid_json", '```json\n{"a": 1}\n```', {"fence": "yes"}, True),
        ("valid_json", "[" * 5000 + "]" * 5000, {}, False),
        ("valid_yaml", "a: 1\nb: [x, y]", {}, True),
        ("valid_yaml", "a: *b", {}, False),
        ("valid_yaml", "just words", {}, False),
        ("valid_yaml", "a: [1", {}, False),
        ("valid_xml", "<a><b/></a>", {}, True),
        ("valid_xml", "<a><b></a>", {}, False),
        ("valid_xml", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', {}, False),
        ("valid_xml", "<a>" * 5000 + "</a>" * 5000, {}, False),
        ("json_schema", '{"id": "AB"}', {"schema": SCHEMA}, True),
        ("json_schema", '{"id": "abc"}', {"schema": SCHEMA}, False),
        ("json_schema", "{}", {"schema": SCHEMA}, False),
        ("json_schema", "no", {"schema": SCHEMA}, False),
        ("has_pattern", "Order 7 is ready.", {"pattern": r"order \d", "ignore_case": "yes"}, True),
        ("has_pattern", "Order 7 is ready.", {"pattern": r"order \d"}, False),
        ("lacks_pattern", "Call 555-1234.", {"pattern": r"\d{3}-\d{4}"}, False),
        ("length", "one two three", {}, 3.0),
        ("length", "één", {"unit": "characters"}, 3.0),
        ("language", "Das ist ein kurzer Satz in deutscher Sprache.", {"expected": "de"}, True),
        ("language", "This is a sentence that was written in English.", {"expected": "de, fr"}, False),
        ("refusal", "I'm sorry, but I can't help with that.", {}, True),
        ("refusal", "I cannot provide medical advice.", {}, True),
        ("refusal", "Dabei kann ich leider nicht helfen.", {}, True),
        ("refusal", "Take one tablet. I cannot stress enough that it helps.", {}, False),
        ("refusal", "The form cannot be provided online.", {}, False),
    ],
)
def test_rules_of_an_output_alone(key: str, text: str, options: dict[str, Any], value: Any) -> None:
    found = run(key, text, **options)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("key", "text", "low", "high"),
    [
        ("exact_match", "Paris", 1, 1),
        ("exact_match", "paris.", 0, 0),
        ("normalised_match", "paris.", 1, 1),
        ("normalised_match", "city of Paris!", 1, 1),
        ("normalised_match", "London", 0, 0),
        ("rouge", "The city of Paris", 1, 1),
        ("rouge", "city", 0.39, 0.41),
        ("bleu", "The city of Paris", 100, 100),
        ("bleu", "London", 0, 0),
        ("chrf", "Pariss", 50, 99),
    ],
)
def test_the_best_of_several_references_counts(key: str, text: str, low: float, high: float) -> None:
    assert low <= run(key, Given(text, reference=PARIS)) <= high


def test_tool_calls_by_name_and_argument() -> None:
    other = {"name": "lookup", "arguments": {"full": True, "id": 8}}
    turned = {"name": "lookup", "arguments": {"full": True, "id": 7}}
    send = {"name": "send", "arguments": {}}
    assert run("tool_names", Given(calls=(send, LOOKUP), expected_calls=(LOOKUP, send))) is True
    assert run("tool_names", Given(calls=(send, LOOKUP), expected_calls=(LOOKUP, send)), order="as given") is False
    assert run("tool_names", Given(calls=(), expected_calls=(LOOKUP,))) is False
    assert run("tool_names", Given(calls=(), expected_calls=())) is True
    assert run("tool_arguments", Given(calls=(turned,), expected_calls=(LOOKUP,))) is True
    assert run("tool_arguments", Given(calls=(other,), expected_calls=(LOOKUP,))) is False
    assert run("tool_arguments", Given(calls=(LOOKUP, send), expected_calls=(LOOKUP,))) is False


@pytest.mark.parametrize(
    ("key", "given", "options", "why"),
    [
        *[(key, Given("Paris"), {}, "no reference") for key in ("exact_match", "normalised_match", "rouge", "chrf")],
        ("exact_match", Given("", reference=PARIS), {}, "no text"),
        ("valid_json", Given("  "), {}, "no text"),
        ("has_pattern", Given(""), {"pattern": "a"}, "no text"),
        ("language", Given("Ja."), {"expected": "de"}, "fewer than"),
        ("language", Given("A sentence without an expectation."), {}, "which language"),
        ("tool_names", Given("x"), {}, "which tools"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_has_a_reason_and_no_value(key: str, given: Given, options: Any, why: str) -> None:
    with pytest.raises(NoValue, match=why):
        run(key, given, **options)


@pytest.mark.parametrize(
    ("key", "options", "why"),
    [
        ("has_pattern", {}, "needs the option pattern"),
        ("has_pattern", {"pattern": "(a"}, "not a pattern that RE2 accepts"),
        ("has_pattern", {"pattern": r"(a)\1"}, "not a pattern that RE2 accepts"),
        ("has_pattern", {"pattern": "a", "flags": "i"}, "no option of the check"),
        ("json_schema", {"schema": '{"$ref": "https://example.org/s.json"}'}, "only references within"),
        ("json_schema", {"schema": '{"$ref": "file:///etc/passwd"}'}, "only references within"),
        ("json_schema", {"schema": '{"type": "objekt"}'}, "not valid"),
        ("json_schema", {"schema": '{"patternProperties": {"a": {}}}'}, "not read here"),
        ("json_schema", {"schema": "{"}, "not JSON"),
        ("language", {"expected": "German"}, "not a language's code"),
        ("length", {"least": "few"}, "whole number"),
        ("rouge", {"type": "rouge9"}, "one of rouge1"),
        ("valid_json", {"fence": "perhaps"}, "yes or no"),
    ],
)
def test_options_are_refused_in_words(key: str, options: dict[str, Any], why: str) -> None:
    with pytest.raises(OptionError, match=why):
        CHECKS[key].read(options)


LAUGHS = "a: &a [lol]\n" + "".join(
    f"{b}: &{b} [{', '.join(f'*{a}' for _ in range(9))}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE = {
    "valid_json": "[" * 150_000,
    "valid_yaml": LAUGHS,
    "valid_xml": "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><l>&b;</l>",
    "has_pattern": "a" * 150_000 + "!",
    "json_schema": "[" + ",".join(f'{{"a":{n}}}' for n in range(16_000)) + "]",
}


def test_a_hostile_output_is_answered_or_stopped() -> None:
    """YAML's aliases are looked at and not followed; comparing 16,000 objects with each other is stopped."""
    options = {"has_pattern": {"pattern": "(a+)+$"}, "json_schema": {"schema": {"uniqueItems": True}}}
    checks = [(key, options.get(key, {})) for key in HOSTILE]
    found = {}
    with Runner(checks) as runner:
        for number, (key, text) in enumerate(HOSTILE.items()):
            runner.seconds = 1.0 if key == "json_schema" else 60.0  # the others end also on a busy machine
            began = time.monotonic()
            found[key] = runner(number, Given(text))
        assert time.monotonic() - began < 60, "a hang, not a slow machine"
        runner.seconds = 60.0
        after = runner(0, Given("[1]"))
    assert found["valid_json"]["value"] is False
    assert found["valid_yaml"]["value"] is True
    assert found["valid_xml"]["value"] is False
    assert found["has_pattern"]["value"] is False
    assert "longer than 1 seconds" in found["json_schema"]["missing"]
    assert after["value"] is True


def test_a_longer_output_than_a_check_reads_has_a_reason() -> None:
    with Runner([("valid_json", {})]) as runner:
        assert "characters" in runner(0, Given("1" * 300_000))["missing"]
        assert runner.child is None, "nothing was started for it"

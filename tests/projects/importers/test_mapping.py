"""Columns → roles: detected, shown, changed, saved; and refused with names when one is missing."""

from __future__ import annotations

import json

import pytest

from projects.importers import mapping as mapping_module
from projects.importers.mapping import Column, Mapping, detect_mapping, preview
from projects.importers.records import ImportFileError
from projects.importers.roles import HEADERS, ROLES, normal
from tests.projects.importers.helpers import lines, read, refused

CONTRACT = [
    "item",
    "system",
    "output",
    "metric",
    "value",
    "source",
    "kind",
    "explanation",
    "latency_ms",
    "ttft_ms",
    "tokens_in",
    "tokens_out",
]
CONTRACT += ["cost_usd", "tag"]


def roles(columns: list[str], rows: list[dict[str, object]] | None = None) -> dict[str, str]:
    found = detect_mapping(columns, rows or [])
    return {column: given.role for column, given in found.columns.items()}


def test_every_column_of_the_contract_keeps_its_name() -> None:
    assert roles(CONTRACT) == {column: column for column in CONTRACT}


@pytest.mark.parametrize(("role", "header"), [(role, header) for role, all_ in HEADERS.items() for header in all_])
def test_every_accepted_header_is_recognised_in_any_case(role: str, header: str) -> None:
    if header in {"score", "rating"}:  # names its own metric unless there is a column metric
        assert roles([header, "metric"])[header] == "value"
    else:
        assert roles([header.upper()]) == {header.upper(): role}
        assert roles([header.replace("_", " ").title()])[header.replace("_", " ").title()] == role


def test_no_header_means_two_things() -> None:
    headers = [header for all_ in HEADERS.values() for header in all_]
    assert len(headers) == len(set(headers))
    assert all(normal(header) == header for header in headers)
    assert set(HEADERS) <= set(ROLES)


@pytest.mark.parametrize("header", ["Latency (ms)", "latencyMs", "latency-ms", " LATENCY_MS "])
def test_spelling_of_a_header_does_not_matter(header: str) -> None:
    assert roles([header]) == {header: "latency_ms"}


def test_the_surest_header_wins_and_the_other_is_metadata() -> None:
    assert roles(["id", "item"]) == {"id": "metadata", "item": "item"}


def test_layouts() -> None:
    assert detect_mapping(["item", "system", "metric", "value"], []).layout == "long"
    assert detect_mapping(["item", "system", "output"], []).layout == "wide"


def test_a_wide_file_has_a_column_a_metric() -> None:
    rows: list[dict[str, object]] = [
        {"item": "1", "system": "s", "output": "o", "clarity": "0.5", "safe": "yes", "finish": "stop",
         "seed": "3", "score: tone": "good", "empty": ""},
    ]  # fmt: skip
    found = detect_mapping(list(rows[0]), rows)
    assert found.columns["clarity"] == Column("metric_column", "clarity")
    assert found.columns["safe"] == Column("metric_column", "safe")
    assert found.columns["score: tone"] == Column("metric_column", "tone")
    assert found.kinds == {"clarity": "number", "safe": "bool", "tone": "label"}
    assert {c: found.columns[c].role for c in ("finish", "seed", "empty")} == dict.fromkeys(
        ("finish", "seed", "empty"), "extra"
    )


@pytest.mark.parametrize(("cells", "role"), [((0.9, "0.2"), "metric_column"), (("ann", "ben"), "judge")])
def test_a_judge_of_numbers_is_what_it_said_and_of_words_who_it_was(cells: tuple[object, ...], role: str) -> None:
    rows = [{"item": "q", "system": "s", "output": "So.", "judge": cell} for cell in cells]
    assert detect_mapping(list(rows[0]), rows).columns["judge"].role == role


def test_a_wide_file_has_a_column_a_system() -> None:
    rows: list[dict[str, object]] = [
        {"id": "1", "prompt": "p?", "gpt-x": "Two words", "llama": "Or three words", "topic": "a b", "n": 3},
    ]
    found = detect_mapping(list(rows[0]), rows)
    assert found.columns["gpt-x"] == Column("output_column", "gpt-x")
    assert found.columns["llama"] == Column("output_column", "llama")
    assert found.columns["topic"].role == found.columns["n"].role == "metadata"
    named = detect_mapping(["id", "small output", "output: large"], [])
    assert [given.name for given in named.columns.values()] == ["", "small", "large"]


def test_texts_are_not_taken_for_systems_in_tables_of_another_sort() -> None:
    rows: list[dict[str, object]] = [{"id": "1", "judge": "j", "remark": "Some more words"}]
    assert roles(list(rows[0]), rows)["remark"] == "metadata"


def test_a_column_that_may_tell_the_system_stays_with_the_output() -> None:
    rows: list[dict[str, object]] = [
        {"item": "1", "system": "a", "output": "o", "area": "x", "stack": "a-1"},
        {"item": "1", "system": "b", "output": "o", "area": "x", "stack": "b-1"},
        {"item": "2", "system": "a", "output": "o", "area": "y", "stack": "a-1"},
    ]
    found = detect_mapping(list(rows[0]), rows)
    assert found.columns["area"] == Column("metadata", known=False)
    assert found.columns["stack"] == Column("extra", known=False)
    got = read(lines(*rows), "a.jsonl")
    assert [item.metadata for item in got.items] == [{"area": "x"}, {"area": "y"}]
    assert [output.raw for output in got.outputs] == [{"stack": "a-1"}, {"stack": "b-1"}, {"stack": "a-1"}]
    assert any("'area', 'stack' are not known" in note.why for note in got.notes)


def test_with_one_system_nothing_unknown_goes_to_the_item() -> None:
    got = read("item,system,output,stack\nq1,a,o,a-one\n")
    assert got.items[0].metadata == {}
    assert got.outputs[0].raw == {"stack": "a-one"}


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("system,output", "item"),
        ("item,output", "system"),
        ("item,system", "output"),
        ("item,system,value", "metric"),
        ("item,system,metric", "value"),
        ("colour,shape", "item"),
    ],
)
def test_a_missing_column_is_refused_naming_found_and_accepted(header: str, missing: str) -> None:
    sentence = refused(header + "\n" + ",".join("x" for _ in header.split(",")) + "\n")
    assert f"(accepted: {missing}" in sentence
    assert sentence.endswith(f"The file has the columns {header.replace(',', ', ')}.")


def test_options_give_what_the_file_does_not_say() -> None:
    got = read("item,output,value\nq1,o,3\n", system="small", system_version="2", metric="m", source="llm")
    assert got.systems[0].name == "small"
    assert (got.scores[0].metric, got.scores[0].source, got.scores[0].system) == ("m", "llm", ("small", "2"))


def test_a_lone_score_column_names_its_own_metric() -> None:
    got = read("item,system,output,Score\nq1,s,o,3\n")
    assert got.score("Score").number == 3


def test_a_mapping_survives_json() -> None:
    rows: list[dict[str, object]] = [{"item": "1", "system": "s", "output": "o", "clarity": 0.5, "other": "x"}]
    found = detect_mapping(list(rows[0]), rows, {"source": "llm"})
    assert Mapping.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_a_changed_mapping_is_obeyed() -> None:
    data = "a,b,c,d\nq1,small,An answer,7\n"
    columns = {"a": "item", "b": "system", "c": "output", "d": {"role": "metric_column", "name": "quality"}}
    got = read(data, mapping={"layout": "wide", "columns": columns})
    assert got.outputs[0].text == "An answer"
    assert got.score("quality").number == 7
    columns["d"] = "ignore"
    ignored = read(data, mapping={"layout": "wide", "columns": columns})
    assert not ignored.scores
    assert ignored.outputs[0].raw == {}


def test_a_saved_mapping_that_does_not_fit_the_file_is_refused() -> None:
    columns = {"a": "item", "b": "system", "c": "output"}
    assert "The file has the columns a, x, c" in refused("a,x,c\n1,2,3\n", mapping={"columns": columns})


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (None, "must be an object"),
        ({"columns": []}, "must be an object"),
        ({"layout": "square", "columns": {}}, "layout is 'square'; accepted: long, wide"),
        ({"columns": {"a": "hat"}}, "role of column 'a' is 'hat'; accepted: item"),
        ({"columns": {"a": 3}}, "column 'a' must be a role"),
        ({"columns": {"a": {"role": ["item"]}}}, "role of column 'a'"),
        ({"columns": {"a": "item", "b": "item"}}, "'a' and 'b' are both mapped as the item's id"),
        ({"columns": {}, "kinds": {"m": "hat"}}, "kind of metric 'm' is 'hat'"),
        ({"columns": {}, "options": {"hat": "x"}}, "option is 'hat'; accepted: system"),
        ({"columns": {}, "options": {"source": "x"}}, "source is 'x'; accepted: code, llm, human"),
        ({"columns": {}, "kinds": [], "options": [1]}, "must be objects"),
    ],
)
def test_a_mapping_is_checked(data: object, why: str) -> None:
    with pytest.raises(ImportFileError, match=r"^The ") as caught:
        Mapping.from_dict(data)
    assert why in str(caught.value)


def test_preview_shows_what_each_column_becomes() -> None:
    rows: list[dict[str, object]] = [
        {"item": "", "system": "s", "output": "o" * 100, "clarity": None},
        {"item": "q1", "system": "s", "output": "o", "clarity": 0.5},
    ]
    found = preview(detect_mapping(list(rows[0]), rows), rows)
    assert found == [
        ("item", "the item's id", "q1"),
        ("system", "the system's name", "s"),
        ("output", "the output", "o" * 79 + "…"),
        ("clarity", "scores of one metric: clarity", "0.5"),
    ]


def test_every_role_can_be_shown() -> None:
    found = Mapping("long", {role: Column(role) for role in ROLES})
    assert [row[1] for row in preview(found, [])] == list(ROLES.values())
    assert set(mapping_module.KINDS) == {"number", "bool", "label", "preference"}

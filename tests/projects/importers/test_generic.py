"""Generic files, long and wide: what the rows become, and what is wrong in them by row and column."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc

import pytest

from projects.importers import read_file
from projects.importers.generic_cells import NOTES_IN_FULL
from projects.importers.records import ItemRecord, OutputRecord, ScoreRecord, SystemRecord
from tests.projects.importers.helpers import lines, read, refused

MEASURES = "latency_ms,ttft_ms,tokens_in,tokens_out,cost_usd"
LONG = f"""item,prompt,system,output,metric,value,source,explanation,{MEASURES},tag
q1,Why?,small,Because.,clarity,0.5,llm,Clear.,120,15,7,3,0.001,topic:a;hard
q1,Why?,small,Because.,safe,yes,code,,120,15,7,3,0.001,topic:a;hard
q1,Why?,large@2,So it is.,clarity,0.75,llm,,,,,,,topic:a;hard
q2,How?,small,,clarity,,llm,,,,,,,
"""


def test_a_long_file() -> None:
    got = read(LONG)
    assert got.key == "csv"
    assert got.items == [
        ItemRecord("q1", ({"role": "user", "content": "Why?"},), tags=("topic:a", "hard")),
        ItemRecord("q2", ({"role": "user", "content": "How?"},)),
    ]
    assert got.systems == [SystemRecord("small"), SystemRecord("large", "2")]
    assert got.outputs == [
        OutputRecord("q1", ("small", ""), "Because.", latency_ms=120, ttft_ms=15, tokens_in=7, tokens_out=3,
                     cost=0.001, currency="USD"),
        OutputRecord("q1", ("large", "2"), "So it is."),
    ]  # fmt: skip
    assert got.scores == [
        ScoreRecord("clarity", "q1", ("small", ""), number=0.5, source="llm", explanation="Clear."),
        ScoreRecord("safe", "q1", ("small", ""), kind="bool", number=1.0, label="true"),
        ScoreRecord("clarity", "q1", ("large", "2"), number=0.75, source="llm"),
        ScoreRecord("clarity", "q2", ("small", ""), source="llm", missing_reason="The value is empty."),
    ]
    assert not got.skipped
    assert [(n.row, n.column) for n in got.notes] == [(5, "value")]


def test_csv_tsv_json_lines_and_json_list_give_the_same() -> None:
    rows = list(csv.DictReader(io.StringIO(LONG)))
    tsv = io.StringIO()
    writer = csv.DictWriter(tsv, rows[0], delimiter="\t")
    writer.writeheader()
    writer.writerows(rows)
    want = read(LONG)
    given = [{key: cell for key, cell in row.items() if cell} for row in rows]
    for got in (
        read(tsv.getvalue(), "a.tsv"),
        read(lines(*given), "a.jsonl"),
        read(json.dumps(given), "a.json"),
    ):
        assert (got.items, got.systems, got.outputs, got.scores) == (
            want.items, want.systems, want.outputs, want.scores,
        )  # fmt: skip


def test_scores_alone_make_items_and_systems_without_texts() -> None:
    got = read("item,system,metric,value\nq1,s,m,1\n")
    assert got.items == [ItemRecord("q1")]
    assert not got.outputs
    assert got.score("m").number == 1


def test_a_wide_file_with_a_column_a_metric() -> None:
    got = read("item,system,output,clarity,safe\nq1,s,o,3,no\nq2,s,o,,yes\n")
    assert [(s.metric, s.item, s.kind, s.number, s.missing_reason) for s in got.scores] == [
        ("clarity", "q1", "number", 3.0, ""),
        ("safe", "q1", "bool", 0.0, ""),
        ("clarity", "q2", "number", None, "The value is empty."),
        ("safe", "q2", "bool", 1.0, ""),
    ]
    assert any("'clarity', 'safe' are read as scores" in note.why for note in got.notes)


def test_a_wide_file_with_a_column_a_system() -> None:
    got = read("id,prompt,small,large,area\n1,What now?,Go home.,Stay here.,x\n2,And then?,,Sleep well.,y\n")
    assert [(o.item, o.system[0], o.text) for o in got.outputs] == [
        ("1", "small", "Go home."),
        ("1", "large", "Stay here."),
        ("2", "large", "Sleep well."),
    ]
    assert [item.metadata for item in got.items] == [{"area": "x"}, {"area": "y"}]
    assert [(n.row, n.column) for n in got.notes if n.row] == [(3, "small")]


def test_items_without_an_id_are_known_by_their_text() -> None:
    got = read("prompt,system,output\n Why? ,s,o\nWhy?,t,o\nHow?,s,o\n")
    assert len(got.items) == 2
    assert got.outputs[0].item == got.outputs[1].item
    assert got.items[0].external_id.startswith("sha256-")
    decomposed = read("prompt,system,output\ncafe\u0301,s,o\n")
    assert decomposed.items[0].external_id == read("prompt,system,output\ncaf\u00e9,s,o\n").items[0].external_id


def test_an_item_column_that_holds_the_question_is_also_its_text() -> None:
    got = read("item,system,output\nWhy is it so?,s,o\n")
    assert got.items == [ItemRecord("Why is it so?", ({"role": "user", "content": "Why is it so?"},))]
    long = "word " * 100
    assert read(f"item,system,output\n{long},s,o\n").items[0].external_id.startswith("sha256-")


def test_conversations_context_and_references() -> None:
    turns = [
        {"from": "human", "value": "Hi"},
        {"from": "gpt", "value": "Hello"},
        {"role": "user", "content": "Why?"},
    ]
    row = {"id": 7, "messages": turns, "context": ["A", "B"], "reference": "R", "choices": ["x", "y"],
           "cluster": "fam", "language": "en", "system": "s", "output": {"b": [1]}}  # fmt: skip
    got = read(lines(row), "a.jsonl")
    assert got.items == [
        ItemRecord(
            "7",
            ({"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"},
             {"role": "user", "content": "Why?"}),
            context=("A", "B"), reference=("R",), choices=("x", "y"), cluster="fam", language="en",
        )
    ]  # fmt: skip
    assert json.loads(got.outputs[0].text or "") == {"b": [1]}
    as_text = io.StringIO()
    writer = csv.DictWriter(as_text, ["id", "messages", "system", "output"], extrasaction="ignore")
    writer.writeheader()
    writer.writerow({**row, "messages": json.dumps(turns), "output": "o"})
    assert read(as_text.getvalue()).items[0].messages == got.items[0].messages


def test_an_output_may_be_a_conversation() -> None:
    turns = [
        {"role": "assistant", "content": "A"},
        {"role": "tool", "content": "T"},
        {"role": "assistant", "content": "B"},
    ]
    got = read(lines({"item": "q", "system": "s", "output": turns}), "a.jsonl")
    assert got.outputs[0].text == "B"
    assert list(got.outputs[0].messages) == turns


@pytest.mark.parametrize("messages", ["not json", "[]", "{}", '[{"content": "x"}]', "[3]", '[{"role": "user"'])
def test_an_unreadable_conversation_skips_the_row(messages: str) -> None:
    got = read(lines({"item": "q", "messages": messages, "system": "s", "output": "o"}), "a.jsonl")
    assert [(p.row, p.column) for p in got.skipped] == [(1, "messages")]
    assert not got.outputs


def test_an_empty_answer_is_an_answer_in_json_and_a_blank_cell_in_csv() -> None:
    got = read(lines({"item": "q", "system": "s", "output": ""}), "a.jsonl")
    assert got.outputs[0].text == ""
    assert "neither an output nor a score" in read("item,system,output\nq,s,\n").skipped[0].why


def test_an_error_is_kept_and_is_no_answer() -> None:
    got = read("item,system,output,error\nq,s,,timed out\n")
    assert got.outputs == [OutputRecord("q", ("s", ""), error="timed out")]


@pytest.mark.parametrize("cell", ["", "nan", "NaN", "n/a", "NULL", "N/A"])
def test_a_missing_value_is_missing_and_reported(cell: str) -> None:
    got = read(f"item,system,metric,value\nq,s,m,1\nr,s,m,{cell}\n")
    (score,) = [s for s in got.scores if s.item == "r"]
    assert score.number is None
    assert score.missing_reason
    assert [(n.row, n.column) for n in got.notes] == [(3, "value")]


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999"])
def test_a_value_that_is_not_finite_is_refused_by_row(cell: str) -> None:
    got = read(f"item,system,metric,value\nq,s,m,1\nr,s,m,{cell}\n")
    assert [(p.row, p.column) for p in got.skipped] == [(3, "value")]
    assert "not finite" in got.skipped[0].why
    assert len(got.scores) == 1


def test_huge_json_numbers_are_refused_by_row() -> None:
    raw = '{"item": "q", "system": "s", "metric": "m", "value": 1' + "0" * 400 + "}\n"
    assert "not finite" in read(raw, "a.jsonl").skipped[0].why


@pytest.mark.parametrize(
    ("cells", "kinds"),
    [
        (["True", "False"], ["bool", "bool"]),
        (["yes", "NO"], ["bool", "bool"]),
        (["1", "0", "1"], ["number"] * 3),
        (["1", "True"], ["number", "number"]),
        (["good", "bad", "3"], ["label"] * 3),
        (["yes", "no", "unsure"], ["label"] * 3),
    ],
)
def test_kinds(cells: list[str], kinds: list[str]) -> None:
    rows = "".join(f"q{n},s,m,{cell}\n" for n, cell in enumerate(cells))
    assert [s.kind for s in read("item,system,metric,value\n" + rows).scores] == kinds


def test_json_booleans_are_booleans() -> None:
    got = read(lines({"item": "q", "system": "s", "metric": "m", "value": True}), "a.jsonl")
    assert (got.scores[0].kind, got.scores[0].number, got.scores[0].label) == ("bool", 1.0, "true")


def test_a_stray_text_in_a_numeric_metric_is_reported_by_row() -> None:
    rows = "".join(f"q{n},s,m,{n}\n" for n in range(9))
    got = read("item,system,metric,value\n" + rows + 'q9,s,m,"0,5"\n')
    assert [score.number for score in got.scores] == list(range(9))
    assert got.skipped[0].row == 11
    assert "decimals with a point" in got.skipped[0].why


def test_the_kind_column_is_obeyed() -> None:
    header = "item,system,metric,value,kind\n"
    assert read(header + "q,s,m,1,label\n").scores[0].label == "1"
    assert read(header + "q,s,m,1,bool\n").scores[0].label == "true"
    assert "kind 'hat' is not known" in read(header + "q,s,m,1,hat\n").skipped[0].why
    assert "not a number" in read(header + "q,s,m,good,number\n").skipped[0].why


def test_the_source_column_is_obeyed() -> None:
    header = "item,system,metric,value,source,judge\n"
    got = read(header + "q,s,m,1,LLM,gpt\nr,s,m,1,,gpt\nt,s,m,1,,\nu,s,m,1,oracle,\n")
    assert [(s.source, s.judge) for s in got.scores] == [("llm", "gpt"), ("llm", "gpt"), ("code", "")]
    assert [(p.row, p.column) for p in got.skipped] == [(5, "source")]


def test_a_persons_scores_are_human_ratings() -> None:
    got = read("item,system,metric,value,rater,comment\nq,s,m,4,ann,Nice\nq,s,m,5,bob,\n")
    assert [(h.rater, h.number, h.comment) for h in got.humans] == [("ann", 4.0, "Nice"), ("bob", 5.0, "")]
    assert not got.scores


def test_preferences() -> None:
    header = "item,system,system_b,metric,value,position\n"
    got = read(header + "q,small,large,better,b,a_first\nr,small,large,better,-2,\nt,small,large,better,c,\n"
               "u,small,large,better,a,left\n")  # fmt: skip
    assert [(s.kind, s.label, s.number, s.system_b, s.position) for s in got.scores] == [
        ("preference", "b", None, ("large", ""), "a_first"),
        ("preference", "", -2.0, ("large", ""), ""),
    ]
    assert [(p.row, p.column) for p in got.skipped] == [(4, "value"), (5, "position")]
    assert {s.name for s in got.systems} == {"small", "large"}
    assert "second system" in read("item,system,metric,value,kind\nq,s,m,a,preference\n").skipped[0].why


def test_the_same_row_twice_changes_nothing() -> None:
    row = "q,s,o,m,1\n"
    got = read("item,system,output,metric,value\n" + row + row)
    assert (len(got.outputs), len(got.scores), got.skipped) == (1, 1, [])


def test_a_second_value_for_the_same_score_is_reported_by_row() -> None:
    got = read("item,system,metric,value\nq,s,m,1\nq,s,m,2\nq,s,n,2\n")
    assert [s.number for s in got.scores] == [1, 2]
    assert [(p.row, p.column) for p in got.skipped] == [(3, "value")]


def test_an_item_with_two_texts_is_reported_by_row() -> None:
    got = read("item,prompt,system,output\nq,Why?,s,o\nq,How?,t,o\nq,,u,o\nq, Why? ,v,o\n")
    assert [(p.row, p.column) for p in got.skipped] == [(3, "prompt")]
    assert [o.system[0] for o in got.outputs] == ["s", "u", "v"]


def test_a_second_output_is_reported_by_row_unless_it_is_a_repeat() -> None:
    got = read("item,system,output\nq,s,one\nq,s,two\n")
    assert [(p.row, p.column) for p in got.skipped] == [(3, "output")]
    repeats = read("item,system,output,repeat\nq,s,one,0\nq,s,two,1\nq,s,x,first\n")
    assert [(o.repeat, o.text) for o in repeats.outputs] == [(0, "one"), (1, "two")]
    assert [(p.row, p.column) for p in repeats.skipped] == [(4, "repeat")]


def test_duplicate_ids_in_a_wide_file_are_reported_by_row() -> None:
    got = read("id,prompt,small,large\n1,Why so?,An answer.,Another one.\n1,Why so?,An answer.,A third one.\n")
    assert len(got.outputs) == 2
    assert [(p.row, p.column) for p in got.skipped] == [(3, "large")]


def test_a_text_that_comes_later_completes_the_item() -> None:
    got = read("item,prompt,system,output\nq,,s,o\nq,Why?,t,o\n")
    assert [len(item.messages) for item in got.items] == [0, 1]


def test_rows_without_item_or_system_are_skipped_by_row() -> None:
    got = read("item,system,output\n,s,o\nq,,o\nr,s,o\n")
    assert [(p.row, p.column) for p in got.skipped] == [(2, "item"), (3, "system")]
    assert len(got.outputs) == 1


@pytest.mark.parametrize("cell", ["fast", "-3", "inf", "1,5"])
def test_an_unreadable_measure_is_left_out_with_a_note(cell: str) -> None:
    got = read(f'item,system,output,latency_ms,tokens_in\nq,s,o,"{cell}",2.5\n')
    assert (got.outputs[0].latency_ms, got.outputs[0].tokens_in) == (None, None)
    assert [n.column for n in got.notes] == ["latency_ms", "tokens_in"]


def test_true_is_no_measure() -> None:
    got = read(lines({"item": "q", "system": "s", "output": "o", "tokens_in": True, "latency_ms": False}), "a.jsonl")
    assert (got.outputs[0].tokens_in, got.outputs[0].latency_ms) == (None, None)
    assert len(got.notes) == 2


def test_seconds_become_milliseconds() -> None:
    got = read("item,system,output,latency_s,ttft_s\nq,s,o,1.5,0.25\n")
    assert (got.outputs[0].latency_ms, got.outputs[0].ttft_ms) == (1500, 250)


def test_a_latency_without_a_unit_is_noted() -> None:
    got = read("item,system,output,latency\nq,s,o,12\n")
    assert got.outputs[0].latency_ms == 12
    assert "read as milliseconds" in got.notes[0].why


def test_notes_of_one_sort_are_totalled() -> None:
    rows = "".join(f"q{n},s,m,\n" for n in range(NOTES_IN_FULL + 30))
    got = read("item,system,metric,value\nq,s,m,1\n" + rows)
    assert len(got.notes) == NOTES_IN_FULL + 1
    assert "30 more rows" in got.notes[-1].why
    assert len(got.scores) == NOTES_IN_FULL + 31


def test_keys_that_come_late_are_kept_and_named() -> None:
    rows = [{"item": str(n), "system": "s", "output": "o"} for n in range(250)]
    got = read(lines(*rows, {"item": "x", "system": "s", "output": "o", "mood": "calm"}), "a.jsonl")
    assert got.outputs[-1].raw == {"mood": "calm"}
    assert [(n.row, n.column) for n in got.notes] == [(251, "mood")]


def test_tags_that_differ_are_noted() -> None:
    got = read("item,system,output,tag\nq,s,o,a\nq,t,o,b\nr,s,o,\nr,t,o,c\nr,u,o,\n")
    assert got.items[0].tags == ("a",)
    assert [(n.row, n.column) for n in got.notes] == [(3, "tag"), (5, "tag")]


def test_names_too_long_are_skipped_by_row() -> None:
    long = "x" * 401
    got = read(f"item,system,output\n{long},s,o\nq,{long},o\nr,s,o\n")
    assert [(p.row, p.column) for p in got.skipped] == [(2, "item"), (3, "system")]


def test_a_persons_preference_keeps_who_gave_it_and_what_was_first() -> None:
    got = read("item,system,system_b,metric,value,rater,position,turn\nq,s,t,better,a,ann,b_first,2\n")
    assert got.scores == []
    (human,) = got.humans
    assert (human.label, human.rater, human.position, human.turn) == ("a", "ann", "b_first", 2)
    assert (human.system, human.system_b) == (("s", ""), ("t", ""))


def test_files_of_other_tools_are_not_misread() -> None:
    line = lines({"instance_id": "id1", "stats": [], "text": "Two words"})
    assert "file of a HELM run" in refused(line, "a.jsonl")
    assert "feedback" not in refused(line, "a.jsonl")
    assert "A needed column" in refused(line, "a.jsonl", "jsonl")


def test_memory_does_not_grow_with_the_file() -> None:
    def peak(rows: int) -> int:
        data = "item,system,output,metric,value\n" + "".join(f"q{n},s,{'o' * 500},m,1\n" for n in range(rows))
        stream = io.BytesIO(data.encode())
        del data
        tracemalloc.start()
        assert sum(1 for _ in read_file(stream, "a.csv")[1]) == rows * 3 + 1
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(10)  # first use of lazily made tables
    more = peak(4_000) - peak(1_000)
    assert more < 3_000 * 450  # hashes per row, and less than the row's text

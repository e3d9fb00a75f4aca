"""The shared writer: identity by content, nothing lost, nothing half written."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError

from projects import audit
from projects.errors import ServiceError
from projects.importers.records import (
    HumanRatingRecord,
    ItemRecord,
    OutputRecord,
    RunRecord,
    ScoreRecord,
    SystemRecord,
)
from projects.models import (
    AuditEvent,
    AutomatedScore,
    ImportBatch,
    Item,
    ItemRevision,
    ItemTag,
    Metric,
    Output,
    OutputRevision,
    Project,
    System,
)
from projects.services import import_html, importing
from projects.services.import_render import render_jobs, render_with_helpers
from projects.services.import_stage import digest_of
from projects.services.importing import ImportResult, Upload, import_file, import_files, import_records
from tests.factories import project_factory, user_factory

pytestmark = pytest.mark.django_db

PROMPTFOO = Path(settings.BASE_DIR).parent / "shared" / "data" / "formats" / "promptfoo"
SYSTEM = ("assistant", "2.1")


@pytest.fixture
def project() -> Project:
    return project_factory("Support")


def question(text: str = "May I delete an invoice?", **more: Any) -> ItemRecord:
    return ItemRecord("q1", messages=({"role": "user", "content": text},), **more)


def answer(text: str | None = "No, you may not.", **more: Any) -> OutputRecord:
    return OutputRecord("q1", SYSTEM, text=text, **more)


def score(number: float | None = 0.5, **more: Any) -> ScoreRecord:
    return ScoreRecord(**{"metric": "faithful", "item": "q1", "system": SYSTEM, "number": number} | more)


def put(project: Project, *records: Any) -> ImportResult:
    return import_records(project=project, records=records, source="test.jsonl")


def csv_file(project: Project, text: str, **more: Any) -> ImportResult:
    return import_file(project=project, stream=io.BytesIO(text.encode()), file_name="answers.csv", **more)


def rows() -> dict[str, int]:
    """How many rows every table of the projects app has."""
    return {model.__name__: model._default_manager.count() for model in apps.get_app_config("projects").get_models()}


def test_everything_a_file_says_arrives(project: Project) -> None:
    actor = user_factory("Alice")
    result = import_records(
        project=project,
        actor=actor,
        records=[
            RunRecord("promptfoo", "0.121", "eval-1"),
            SystemRecord("assistant", "2.1", {"temperature": 0}),
            question(context=("Invoices stay.",), reference=("No.",), tags=("billing",), language="en"),
            answer(latency_ms=840.0, ttft_ms=90.0, tokens_in=12, tokens_out=5, cost=0.002, currency="USD"),
            score(
                minimum=0.0,
                maximum=1.0,
                direction="higher",
                source="llm",
                judge="gpt",
                explanation="Grounded.",
            ),
        ],
    )
    assert result.counts == {"items": 1, "systems": 1, "outputs": 1, "scores": 1, "judgments": 0}
    assert result.new == result.counts
    item = Item.objects.get()
    assert (item.external_id, item.cluster, item.language) == ("q1", "q1", "en")
    assert [tag.tag for tag in item.tags.all()] == ["billing"]
    prompt = item.revisions.get()
    assert (prompt.context, prompt.reference, prompt.current) == (["Invoices stay."], ["No."], True)
    assert "May I delete an invoice?" in prompt.html
    assert System.objects.get().config == {"temperature": 0}
    output = Output.objects.get()
    assert (output.latency_ms, output.ttft_ms, output.tokens_in, output.tokens_out) == (840.0, 90.0, 12, 5)
    assert (output.cost, output.currency, output.has_text) == (0.002, "USD", True)
    assert output.revisions.get().text == "No, you may not."
    assert "No, you may not." in output.revisions.get().html
    given = AutomatedScore.objects.get()
    assert (given.number, given.judge, given.explanation, given.output) == (0.5, "gpt", "Grounded.", output)
    metric = Metric.objects.get()
    assert (metric.source, metric.kind, metric.scale_max, metric.direction) == (
        "llm",
        "number",
        1.0,
        "higher",
    )
    batch = ImportBatch.objects.get()
    assert (batch.state, batch.tool, batch.tool_version, batch.run_id) == (
        "done",
        "promptfoo",
        "0.121",
        "eval-1",
    )
    assert batch.created_by == actor
    assert {output.batch_id, given.batch_id, item.batch_id} == {batch.pk}


def test_the_import_is_in_the_audit_chain(project: Project) -> None:
    put(project, question())
    event = AuditEvent.objects.order_by("-seq").first()
    assert event is not None
    assert (event.verb, event.target) == ("import.done", f"import:{ImportBatch.objects.get().pk}")
    assert audit.verify(f"project:{project.pk}").broken_at is None


def test_importing_twice_changes_nothing(project: Project) -> None:
    records = [
        question(tags=("billing",)),
        answer(latency_ms=3.0),
        score(),
        score(None, metric="m", missing_reason="-"),
    ]
    put(project, *records)
    before = rows()
    again = put(project, *records)
    assert rows() == before
    assert again.batch is None
    assert again.counts["scores"] == 2
    assert not any(again.new.values())
    assert not any(again.changed.values())


@pytest.mark.skipif(not PROMPTFOO.is_dir(), reason="the sample files of promptfoo are not beside the repository")
def test_promptfoo_json_then_its_json_lines_is_the_same_run(project: Project) -> None:
    def read(name: str) -> ImportResult:
        with (PROMPTFOO / name).open("rb") as stream:
            return import_file(project=project, stream=stream, file_name=name)

    first = read("output.json")
    assert first.format == "promptfoo"
    assert first.new["outputs"] == Output.objects.count() > 0
    assert first.new["scores"] == AutomatedScore.objects.count() > 0
    assert Output.objects.exclude(error="").exists()
    assert Output.objects.filter(latency_ms__isnull=False).exists()
    before = rows()
    for name in ("output.json", "output.jsonl"):
        assert not any(read(name).new.values())
    assert rows() == before


def test_another_prompt_under_a_known_id_is_left_out_with_its_outputs(project: Project) -> None:
    put(project, question(), answer())
    result = put(project, question("May I delete a client?"), answer("Yes."), score())
    assert [(each.where, "another prompt" in each.why) for each in result.skipped] == [("test.jsonl, item q1", True)]
    assert result.counts["outputs"] == result.counts["scores"] == 0
    assert ItemRevision.objects.get().messages[0]["content"] == "May I delete an invoice?"
    assert OutputRevision.objects.get().text == "No, you may not."


def test_one_id_with_two_prompts_in_a_file_is_left_out(project: Project) -> None:
    result = put(project, question(), question("Another?"), answer(), replace_item("q2"))
    assert [item.external_id for item in Item.objects.all()] == ["q2"]
    assert "two different prompts" in result.skipped[0].why


def replace_item(external_id: str) -> ItemRecord:
    return ItemRecord(external_id, messages=({"role": "user", "content": "Else?"},))


def test_changed_text_is_a_new_revision_and_the_old_one_stays(project: Project) -> None:
    put(project, question(), answer(latency_ms=100.0))
    result = put(project, question(), answer("Only a draft.", latency_ms=200.0))
    assert result.changed["outputs"] == 1
    old, new = OutputRevision.objects.order_by("revision")
    assert (old.text, old.current, new.text, new.current) == (
        "No, you may not.",
        False,
        "Only a draft.",
        True,
    )
    assert (new.kind, new.reason) == ("correction", "Changed in test.jsonl")
    assert Output.objects.get().latency_ms == 200.0
    # The first file again is known content, so it does not flip the text back.
    assert not any(put(project, question(), answer(latency_ms=100.0)).changed.values())


def test_a_redacted_output_is_not_brought_back(project: Project) -> None:
    put(project, question(), answer())
    revision = OutputRevision.objects.get()
    OutputRevision.objects.filter(pk=revision.pk).update(current=False)
    OutputRevision.objects.create(
        output=revision.output,
        revision=2,
        kind="redaction",
        text="[removed]",
        digest=digest_of("x"),
        batch=None,
    )
    result = put(project, question(), answer("My number is 555."))
    assert "redacted" in result.skipped[0].why
    assert OutputRevision.objects.count() == 2


def test_scores_may_come_before_texts(project: Project) -> None:
    put(project, score())
    output = Output.objects.get()
    assert not output.has_text
    assert not output.revisions.exists()
    assert not ItemRevision.objects.exists()
    result = put(project, question(cluster="invoices", tags=("billing",)), answer(error=""))
    output.refresh_from_db()
    assert output.has_text
    assert output.revisions.get().kind == "import"
    assert Item.objects.get().cluster == "invoices"
    assert ItemTag.objects.get().tag == "billing"
    assert (result.changed["items"], result.changed["outputs"], result.new["outputs"]) == (1, 1, 0)


def test_a_missing_score_is_not_zero_and_erases_nothing(project: Project) -> None:
    put(project, score(None, missing_reason="The judge failed."))
    stored = AutomatedScore.objects.get()
    assert (stored.number, stored.missing_reason) == (None, "The judge failed.")
    assert put(project, score(0.7)).changed["scores"] == 1
    assert not any(put(project, score(None, missing_reason="The judge failed.")).changed.values())
    stored.refresh_from_db()
    assert (stored.number, stored.missing_reason) == (0.7, "")


def test_not_a_number_becomes_a_reason(project: Project) -> None:
    put(project, score(float("nan")))
    assert AutomatedScore.objects.get().missing_reason == "The value is not a finite number."


def test_a_changed_score_is_updated(project: Project) -> None:
    put(project, score(0.5))
    assert put(project, score(0.9)).changed["scores"] == 1
    assert AutomatedScore.objects.get().number == 0.9


def test_judges_turns_and_orders_are_scores_of_their_own(project: Project) -> None:
    put(project, score(judge="a"), score(judge="b"), score(turn=1), score(turn=2), score(repeat=1))
    assert AutomatedScore.objects.count() == 5


def test_pairs_and_whole_runs_are_targets(project: Project) -> None:
    put(
        project,
        ScoreRecord("better", item="q1", system=SYSTEM, system_b=("other", ""), kind="preference", label="a"),
        ScoreRecord("speed", system=SYSTEM, number=12.0),
    )
    pair = AutomatedScore.objects.get(metric__key="better")
    assert pair.output is not None
    assert pair.output_b is not None
    assert (pair.output.system.name, pair.output_b.system.name) == ("assistant", "other")
    run = AutomatedScore.objects.get(metric__key="speed")
    assert (run.system and run.system.name, run.output) == ("assistant", None)


def test_scores_of_another_kind_than_the_metric_are_left_out(project: Project) -> None:
    put(project, score(0.5))
    result = put(project, score(None, label="good", kind="label"))
    assert result.counts["scores"] == 0
    assert "labels" in result.skipped[0].why
    assert AutomatedScore.objects.get().number == 0.5


def test_an_infrastructure_error_is_no_answer(project: Project) -> None:
    put(project, question(), answer(None, error="timeout"))
    output = Output.objects.get()
    assert (output.error, output.has_text, output.revisions.count()) == ("timeout", False, 0)


def test_an_empty_answer_is_an_answer(project: Project) -> None:
    put(project, question(), answer(""))
    assert Output.objects.get().has_text
    assert OutputRevision.objects.get().text == ""


def test_measures_no_row_can_hold_are_left_empty_and_said(project: Project) -> None:
    result = put(project, answer(latency_ms=-1.0, tokens_in=2**40, cost=float("inf")))
    output = Output.objects.get()
    assert (output.latency_ms, output.tokens_in, output.cost) == (None, None, None)
    assert "latency_ms, cost, tokens_in" in result.notes[0].why


def test_scores_of_a_text_that_was_not_kept_are_not_given_to_the_one_that_was(project: Project) -> None:
    def run(text: str, number: float) -> list[Any]:
        return [OutputRecord("q1", SYSTEM, text), ScoreRecord("m", "q1", SYSTEM, number=number)]

    more = OutputRecord("q1", SYSTEM, tokens_in=9)  # said of the other text
    records = [*run("One.", 1), run("Two.", 2)[0], more, run("Two.", 2)[1], *run("One.", 1)]
    result = import_records(project=project, records=records)
    assert Output.objects.get().tokens_in is None
    assert (AutomatedScore.objects.get().number, OutputRevision.objects.get().text) == (1, "One.")
    assert "with its scores" in result.skipped[0].why


def test_human_ratings_are_kept_under_a_pseudonym(project: Project) -> None:
    result = put(
        project,
        HumanRatingRecord("correct", "q1", SYSTEM, rater="ines@example.org", number=3.0, comment="ok"),
    )
    assert result.counts["judgments"] == 1
    stored = AutomatedScore.objects.get()
    assert (stored.metric.key, stored.metric.source, stored.number) == ("correct (human)", "human", 3.0)
    assert stored.judge.startswith("r-")
    assert "ines" not in json.dumps(list(AutomatedScore.objects.values("judge", "key", "explanation")))
    assert any("import_judgments" in note.why for note in result.notes)


def test_equal_letters_in_another_unicode_form_are_the_same_text(project: Project) -> None:
    put(project, question("Caf\u00e9?"), answer("Caf\u00e9"))
    assert not any(put(project, question("Cafe\u0301?"), answer("Cafe\u0301")).changed.values())


def test_only_what_an_item_lacks_is_filled_in(project: Project) -> None:
    put(project, question(reference=("No.",)))
    result = put(project, question(reference=("Never.",), context=("Source.",)))
    current = ItemRevision.objects.get(current=True)
    assert (current.reference, current.context, current.revision) == (["No."], ["Source."], 2)
    assert "reference was kept" in result.notes[0].why


def test_hostile_text_is_stored_as_it_is_and_rendered_harmless(project: Project) -> None:
    put(project, question(), answer("<script>alert(1)</script>"))
    revision = OutputRevision.objects.get()
    assert revision.text == "<script>alert(1)</script>"
    assert "<script" not in revision.html


@pytest.mark.parametrize("table", ["item", "output", "outputrevision", "automatedscore"])
def test_a_stop_at_any_table_leaves_nothing(project: Project, monkeypatch: Any, table: str) -> None:
    before = rows()
    written: list[str] = []
    send = importing.send

    def stopping(prepared: list[Any], progress: Any = None) -> None:
        here = next(n for n, each in enumerate(prepared) if f'"projects_{table}"' in each.sql)
        send(prepared[: here + 1])
        written.extend(name for name, count in rows().items() if count > before[name])
        raise KeyboardInterrupt

    monkeypatch.setattr(importing, "send", stopping)
    with pytest.raises(KeyboardInterrupt):
        put(project, question(tags=("t",)), answer(), score())
    assert table in [name.lower() for name in written]
    assert rows() == before


def test_a_stop_at_the_audit_leaves_nothing(project: Project, monkeypatch: Any) -> None:
    before = rows()

    def stopping(**named: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(audit, "record", stopping)
    with pytest.raises(KeyboardInterrupt):
        put(project, question(), answer(), score())
    assert rows() == before


def test_an_import_that_meets_another_is_planned_again(project: Project, monkeypatch: Any) -> None:
    original = importing.prepare
    calls: list[int] = []

    def meeting(plan: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            put_now(project)
        return original(plan)

    def put_now(project: Project) -> None:
        monkeypatch.setattr(importing, "prepare", original)
        put(project, question())
        monkeypatch.setattr(importing, "prepare", meeting)

    monkeypatch.setattr(importing, "prepare", meeting)
    result = put(project, question(), answer())
    assert (result.new["items"], result.new["outputs"]) == (0, 1)
    assert Item.objects.count() == 1


def test_a_conflict_that_never_ends_is_raised(project: Project, monkeypatch: Any) -> None:
    def refuse(*args: Any) -> Any:
        raise IntegrityError

    monkeypatch.setattr(importing, "send", refuse)
    with pytest.raises(IntegrityError):
        put(project, question())
    assert not ImportBatch.objects.exists()


def test_of_several_files_all_or_none(project: Project) -> None:
    good = Upload(io.BytesIO(b"item,system,output\nq1,a,Yes.\n"), "good.csv")
    bad = Upload(io.BytesIO(b""), "bad.csv")
    before = rows()
    with pytest.raises(ServiceError, match=r"bad\.csv"):
        import_files(project=project, uploads=[good, bad])
    assert rows() == before
    more = Upload(io.BytesIO(b"item,system,output\nq1,a,Yes.\nq1,b,No.\n"), "more.csv")
    results = import_files(project=project, uploads=[good, more])
    assert [result.new["outputs"] for result in results] == [1, 1]


def test_a_file_of_which_no_row_can_be_read_is_refused(project: Project) -> None:
    with pytest.raises(ServiceError, match="nothing in this file could be read"):
        csv_file(project, "item,system,output\n,a,Yes.\n")


def test_progress_is_told(project: Project) -> None:
    told: list[tuple[str, int, int | None]] = []
    csv_file(project, "item,system,output\n" + "".join(f"q{n},a,Yes.\n" for n in range(1200)),
             progress=lambda *step: told.append(step))  # fmt: skip
    steps = ["Reading", "Rendering", "Comparing with what is there", "Preparing rows", "Writing"]
    assert {what for what, _, _ in told} == set(steps)
    assert told[-1][1] == told[-1][2]


def test_statements_do_not_grow_with_the_rows_of_a_chunk(project: Project, django_assert_max_num_queries: Any) -> None:
    text = "item,system,output,metric,value\n" + "".join(f"q{n},a,Yes {n}.,m,{n}\n" for n in range(400))
    with django_assert_max_num_queries(80):
        csv_file(project, text)


def test_helpers_render_what_we_render() -> None:
    jobs: list[Any] = [("output", f"**{n}** \u2028 \ud800", [], [], []) for n in range(5)]
    portions = [jobs[:2], jobs[2:]]
    assert list(render_with_helpers(portions, 2)) == [render_jobs(portion) for portion in portions]


def test_rendering_goes_on_when_helpers_cannot_start(project: Project, monkeypatch: Any) -> None:
    def broken(*args: Any) -> Any:
        raise OSError

    monkeypatch.setattr(import_html, "render_with_helpers", broken)
    monkeypatch.setattr(import_html, "_ALONE", 0)
    monkeypatch.setattr(import_html, "_PORTION", 1)
    put(project, question(), answer(), answer("Another.", repeat=1))
    assert all(revision.html for revision in OutputRevision.objects.all())


def test_the_reference_answer_is_not_in_what_raters_see(project: Project) -> None:
    put(project, question(reference=("A secret known answer.",)))
    revision = ItemRevision.objects.get(current=True)
    assert revision.reference == ["A secret known answer."]
    assert "secret" not in revision.html

"""Words that tell which system answered: found, decided about, taken out and brought back."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from annotation import leaks
from annotation.leaks import Finder, Term
from annotation.models import LeakDecision, Round
from annotation.services import leak_acts, rounds
from annotation.services.leak_scan import open_leaks, scan
from annotation.services.round_plans import round_plan
from annotation.services.seats import seat_for
from annotation.services.study import study_apply
from projects.audit import verify
from projects.errors import ServiceError
from projects.located import load
from projects.models import AuditEvent, ItemRevision, OutputRevision, Project
from projects.services.importing import import_file
from tests.factories import item_factory, member, output_factory, project_factory, rubric_factory, system_factory

FINDER = Finder(
    [
        *leaks.system_terms([("openai:gpt-4o-mini", ""), ("assistant", "2.1"), ("sprout-2", ""), ("amber", "")]),
        *leaks.own_terms("Project Nightjar\n中文模型\nfoo(bar"),
        *leaks.known_terms(),
    ]
)


def words(text: str) -> list[str]:
    return [text[p.start : p.end] for p in FINDER.places(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I am sprout-2.", ["sprout-2"]),
        ("I am Sprout 2, or SPROUT2, or sprout_2.", ["Sprout 2", "SPROUT2", "sprout_2"]),
        ("As GPT4o mini I cannot", ["GPT4o mini"]),
        ("As gpt-4o-mini-2024", ["gpt-4o-mini"]),
        ("Trained by OpenAI.", ["OpenAI"]),
        ("Claude’s answer, by Anthropic", ["Claude", "Anthropic"]),
        ("assistant@2.1 and assistant-2.1", ["assistant@2.1", "assistant-2.1"]),
        ("project nightjar, Project-Nightjar", ["project nightjar", "Project-Nightjar"]),
        ("这是中文模型。", ["中文模型"]),  # written without spaces
        ("call foo(bar) now", ["foo(bar"]),
        ('{"id": "toolu_01ABCdefgh99"}', ["toolu_01ABCdefgh99"]),
        ("chatcmpl-9abcDEF012 and call_9xyzABCD12", ["chatcmpl-9abcDEF012", "call_9xyzABCD12"]),
    ],
)
def test_what_tells_the_system_is_found(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Your assistant will help.",  # an everyday name counts with its version only
        "version 2.1 of the form",
        "claudication, ambergris, egpt, sprouts",
        "call_me maybe, run_fast",  # too short for an identifier
        "The sprout 23 rows",
    ],
)
def test_what_tells_nothing_is_left_alone(text: str) -> None:
    assert words(text) == []


def test_one_place_is_counted_once_and_by_its_longest_name() -> None:
    [place] = FINDER.places("gpt-4o-mini")
    assert place.term == Term("gpt-4o-mini", "system")


def test_a_redacted_text_has_no_place_left() -> None:
    text = "I'm GPT-4o mini by OpenAI (gpt 4o mini), id call_9xyzABCD12."
    after = leaks.redacted(text, FINDER.places(text))
    assert after == "I'm [removed] by [removed] ([removed]), id [removed]."
    assert FINDER.places(after) == []


def test_a_list_of_hostile_words_is_searched_in_linear_time() -> None:
    """A backtracking engine would not end on this; RE2 reads every character once, so no clock is needed here."""
    finder = Finder(leaks.own_terms("\n".join(["a" * 90 + "!"] + [f"{'ab' * n}c" for n in range(1, 40)])))
    assert finder.places("a" * 200_000 + "ab" * 100_000) == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [("x" * 101, "longer than 100"), ("---", "holds no letter"), ("\n".join(map(str, range(501))), "at most 500")],
)
def test_a_word_that_cannot_be_looked_for_is_refused(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        leaks.own_terms(typed)


# --- A round ------------------------------------------------------------------------------------------------


def a_round(**settings: Any) -> Round:
    """Three items. The first names a maker in the prompt, the second a system in one answer; the third is clean."""
    project = project_factory()
    amber, basalt = system_factory(project, "amber"), system_factory(project, "basalt")
    for n, (asked, one, two) in enumerate(
        [("Are you ChatGPT?", "No.", "I am not."), ("Who?", "I am Amber, nice to meet you.", "Me."), ("Hi", "Ho", "He")]
    ):
        item = item_factory(project, f"item-{n}", asked)
        output_factory(item, amber, one)
        output_factory(item, basalt, two)
    return rounds.round_create(
        project=project,
        name="Quality",
        mode="compare",
        rubric_version=rubric_factory(project),
        systems=[amber, basalt],
        overlap=1,
        actor=None,
        **settings,
    )


def state(round: Round) -> dict[str, tuple[int, int]]:
    return {each.term.text: (each.places, each.open) for each in scan(round).found}


def answer_of(project: Project, system: str, item: str) -> OutputRevision:
    return OutputRevision.objects.get(
        output__system__name=system, output__item__external_id=item, output__item__project=project, current=True
    )


@pytest.mark.django_db
def test_a_scan_says_what_stands_where() -> None:
    found = scan(a_round())
    assert [(each.term.text, each.why) for each in found.found] == [
        ("amber", "names a system of this round"),
        ("ChatGPT", "names a maker or a family of models"),
    ]
    [example] = found.found[0].examples
    assert (example.external_id, example.system, example.part) == ("item-1", "amber", "answer")
    assert (example.before, example.words, example.after) == ("I am ", "Amber", ", nice to meet you.")
    assert found.found[1].examples[0].part == "prompt"
    assert (found.open, found.texts) == (2, 9)


@pytest.mark.django_db
def test_only_what_the_round_shows_is_read() -> None:
    round = a_round()
    other = system_factory(round.project, "cobalt")
    output_factory(item_factory(round.project, "item-9"), other, "I am amber.")
    ItemRevision.objects.filter(item__external_id="item-2").delete()
    item = round.project.items.get(external_id="item-2")
    ItemRevision.objects.create(
        item=item, messages=[{"role": "system", "content": "You are Basalt."}], reference=["By Mistral."], digest="d"
    )
    assert state(round) == {"amber": (1, 1), "basalt": (1, 1), "ChatGPT": (1, 1)}
    Round.objects.filter(pk=round.pk).update(show_reference=True)
    assert "Mistral" in state(Round.objects.get(pk=round.pk))


@pytest.mark.django_db
def test_a_word_that_stays_is_searched_anew_when_its_text_changes() -> None:
    round = a_round()
    assert leak_acts.leak_accept(round=round, key="amber", actor=None) == 1
    assert state(round)["amber"] == (1, 0)
    row = answer_of(round.project, "amber", "item-1")
    OutputRevision.objects.filter(pk=row.pk).update(current=False)
    OutputRevision.objects.create(output=row.output, revision=2, text="Still amber.", digest="other", html="<p></p>")
    assert state(round)["amber"] == (1, 1)
    leak_acts.leak_accept(round=round, key="amber", actor=None)
    assert leak_acts.leak_undo(round=round, key="amber", actor=None) == 1
    assert open_leaks(round) == 2


@pytest.mark.django_db
def test_a_word_is_taken_out_and_brought_back() -> None:
    round = a_round()
    before = answer_of(round.project, "amber", "item-1")
    assert leak_acts.leak_redact(round=round, key="amber", actor=None) == 1
    after = answer_of(round.project, "amber", "item-1")
    assert after.text == "I am [removed], nice to meet you."
    assert (after.kind, after.revision) == ("redaction", 2)
    assert "[removed]" in after.html
    assert "Amber" not in after.html
    assert OutputRevision.objects.filter(pk=before.pk, text=before.text, current=False).exists()
    leak_acts.leak_redact(round=round, key="chatgpt", actor=None)
    item = ItemRevision.objects.get(item__external_id="item-0", item__project=round.project, current=True)
    assert item.messages == [{"role": "user", "content": "Are you [removed]?"}]
    assert open_leaks(round) == 0
    assert leak_acts.leak_unredact(round=round, actor=None) == 2
    back = answer_of(round.project, "amber", "item-1")
    assert (back.text, back.digest, back.revision) == (before.text, before.digest, 3)
    assert open_leaks(round) == 2


@pytest.mark.django_db
def test_an_import_brings_no_redacted_word_back() -> None:
    round = a_round()
    leak_acts.leak_redact(round=round, key="amber", actor=None)
    line = b'{"item": "item-1", "prompt": "Who?", "system": "amber", "output": "I am Amber, nice to meet you!"}'
    import_file(project=round.project, stream=BytesIO(line), file_name="a.jsonl", actor=None)
    assert answer_of(round.project, "amber", "item-1").text == "I am [removed], nice to meet you."


@pytest.mark.django_db
def test_items_left_out_are_not_drawn_and_come_back() -> None:
    round = a_round()
    assert leak_acts.leak_exclude(round=round, key="amber", actor=None) == 1
    assert state(round) == {"ChatGPT": (1, 1)}
    assert round_plan(round).items == 2
    assert leak_acts.leak_take_back(round=round, actor=None) == 1
    leak_acts.leak_exclude(round=round, key="amber", actor=None)
    rounds.round_open(round=round, actor=None)
    assert set(round.round_items.values_list("item__external_id", flat=True)) == {"item-0", "item-2"}
    round.refresh_from_db()
    assert round.frame_size == 2
    for act in (leak_acts.leak_take_back, lambda **given: leak_acts.leak_exclude(key="chatgpt", **given)):
        with pytest.raises(ServiceError, match="fixed when it opens"):
            act(round=round, actor=None)
    assert rounds.round_extend(round=round, actor=None, add_items=True) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("act", [leak_acts.leak_accept, leak_acts.leak_redact, leak_acts.leak_exclude])
def test_a_word_that_is_not_there_changes_nothing(act: Callable[..., int]) -> None:
    round = a_round()
    with pytest.raises(ServiceError, match="not in the texts"):
        act(round=round, key="basalt", actor=None)
    assert not LeakDecision.objects.exists()
    assert not OutputRevision.objects.filter(revision=2).exists()


@pytest.mark.django_db
def test_every_decision_is_in_the_audit_log() -> None:
    round = a_round()
    lead = member(round.project, "lead")
    leak_acts.leak_accept(round=round, key="chatgpt", actor=lead)
    leak_acts.leak_redact(round=round, key="amber", actor=lead)
    leak_acts.leak_unredact(round=round, actor=lead)
    verbs = list(AuditEvent.objects.filter(actor=f"user:{lead.pk}").order_by("seq").values_list("verb", flat=True))
    assert verbs == ["leak.accept", "output.redact", "leak.redact", "output.unredact"]
    assert verify(f"project:{round.project_id}").broken_at is None


@pytest.mark.django_db
def test_the_scan_needs_no_more_statements_for_more_texts(django_assert_max_num_queries: Any) -> None:
    round = a_round()
    for n in range(30):
        output_factory(item_factory(round.project), round.project.systems.get(name="amber"), f"amber {n}")
    with django_assert_max_num_queries(16):
        scan(round)


# --- Doors --------------------------------------------------------------------------------------------------


def lead_of(round: Round, client: Client) -> Client:
    client.force_login(member(round.project, "lead"))
    return client


def url(round: Round, name: str) -> str:
    return reverse(f"annotation:{name}", args=[round.project.slug, round.slug])


@pytest.mark.django_db
def test_a_round_does_not_open_past_undecided_words(client: Client) -> None:
    round = a_round()
    lead = lead_of(round, client)
    asked = lead.get(url(round, "round_open")).content.decode()
    assert "2 places in the texts may tell" in asked
    answer = lead.post(url(round, "round_open"), follow=True)
    assert "Decide about them first" in answer.content.decode()
    round.refresh_from_db()
    assert round.state == "draft"
    lead.post(url(round, "round_open"), {"as_it_is": "1"})
    round.refresh_from_db()
    assert round.state == "open"
    assert LeakDecision.objects.filter(round=round, decision="accept").count() == 2
    assert open_leaks(round) == 0


@pytest.mark.django_db
def test_the_page_shows_each_word_and_does_what_its_buttons_say(client: Client) -> None:
    round = a_round()
    lead = lead_of(round, client)
    page = lead.get(url(round, "leaks")).content.decode()
    assert "<mark>Amber</mark>" in page
    assert "2 places wait for a decision" in page
    for act, key, said in [
        ("redact", "amber", "replaced by “[removed]”, in 1 texts"),
        ("exclude", "chatgpt", "Items left out of the round: 1."),
        ("take_back", "", "Decisions taken back: 1."),
        ("accept", "chatgpt", "The word stays, in 1 texts."),
        ("undo", "chatgpt", "waits for a decision again"),
        ("unredact", "", "The words are back"),
        ("accept", "nothing", "not in the texts of the round any more"),
    ]:
        answer = lead.post(url(round, "leak_act"), {"act": act, "key": key}, follow=True)
        assert said in answer.content.decode(), act
    assert lead.post(url(round, "leak_act"), {"act": "burn"}).status_code == 404


@pytest.mark.django_db
def test_the_lead_adds_words(client: Client) -> None:
    round = a_round()
    lead = lead_of(round, client)
    answer = lead.post(url(round, "leak_terms"), {"terms": "nice to meet\n\n ho "}, follow=True)
    assert "<mark>nice to meet</mark>" in answer.content.decode()
    refused = lead.post(url(round, "leak_terms"), {"terms": "..."})
    assert refused.status_code == 422
    assert "holds no letter" in refused.content.decode()
    assert Round.objects.get(pk=round.pk).options["leak_terms"] == ["nice to meet", "ho"]


@pytest.mark.django_db
def test_a_rater_never_sees_what_was_found(client: Client) -> None:
    round = a_round()
    client.force_login(member(round.project, "rater"))
    assert client.get(url(round, "leaks")).status_code == 404
    leak_acts.leak_redact(round=round, key="amber", actor=None)
    rounds.round_open(round=round, actor=None)
    rater = member(round.project, "rater")
    seat_for(round=round, user=rater)
    client.force_login(rater)
    page = client.get(reverse("annotation:rate", args=[round.public_id])).content.decode()
    assert "amber" not in page.lower()


def run_command(*arguments: str) -> tuple[str, int]:
    out, code = StringIO(), 0
    try:
        call_command("leaks", *arguments, stdout=out)
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    return out.getvalue(), code


@pytest.mark.django_db
def test_the_command_tells_a_pipeline() -> None:
    round = a_round()
    name = f"{round.project.slug}/{round.slug}"
    said, code = run_command(name)
    assert code == 1
    assert "item-1, answer of amber: I am >Amber<, nice to meet you." in said
    assert "9 texts searched; 2 places wait for a decision." in said
    said, code = run_command(name, "--redact", "AMBER", "--accept", "chatgpt", "--json")
    assert code == 0
    told = json.loads(said)
    assert (told["open"], told["redacted"]) == (0, 1)
    assert told["words"] == [
        {
            "word": "ChatGPT",
            "why": "known",
            "places": 1,
            "open": 0,
            "accepted": 1,
            "items": 1,
            "systems": {"prompts and sources": 1},
        }
    ]
    with pytest.raises(CommandError, match="“basalt” was not found") as refused:
        call_command("leaks", name, "--accept", "basalt")
    assert refused.value.returncode == 2


@pytest.mark.django_db
def test_a_study_that_opens_its_round_says_what_it_found() -> None:
    round = a_round()
    text = f"project: {round.project.slug}\nround: {{name: {round.slug}, mode: compare, state: open}}"
    study = load(text.encode(), "study.yaml")
    applied = study_apply(source=study, actor=None)
    assert any("2 places in the texts" in note for note in applied.notes), applied

"""What is written for the demonstration study: complete, consistent with its help centre, and blind."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
import yaml

from analytics.demo import content, machine, raters
from analytics.demo.content import HERE, NEW, OLD, SEARCH, SYSTEMS, Answer, Prompt, answers, prompts
from analytics.demo.words import written

SEED = 20261123
QUOTED = re.compile(r"^ *> ?(.*)$", re.MULTILINE)
TIMES = re.compile(r"\b\d\d:\d\d\b")


def every_answer() -> list[tuple[Prompt, str, Answer]]:
    return [(prompt, system, answer) for prompt in prompts() for system, answer in prompt.answers.items()]


def plain(text: str) -> str:
    return " ".join(re.sub(r"[*_>|#`-]|\[…\]", " ", text).split())


def test_there_are_sixty_varied_prompts_and_three_answers_to_each() -> None:
    assert 60 <= len(prompts()) <= 66
    assert len({prompt.id for prompt in prompts()}) == len(prompts())
    assert all(set(prompt.answers) | set(prompt.errors) == set(SYSTEMS) for prompt in prompts())
    assert len(answers()) >= 180
    # The search quotes: two questions about one passage get the same words.
    texts = [answer.text for (_, system), answer in answers().items() if system != SEARCH]
    assert len(set(texts)) == len(texts), "an answer stands twice"


def test_the_prompts_cover_what_a_support_chat_meets() -> None:
    tags = Counter(tag for prompt in prompts() for tag in prompt.tags)
    wanted = {"deliveries", "refunds", "billing", "safety", "allergy", "technical", "code", "language", "adversarial"}
    wanted |= {"injection", "ambiguous", "multi-turn", "unhappy", "no-answer", "contradiction", "arithmetic", "table"}
    wanted |= {"right-to-left", "long-prompt", "long-answer", "privacy", "cooking"}
    assert wanted <= tags.keys()
    assert {prompt.language for prompt in prompts()} == {"en", "es", "de", "fr", "ar", "he"}
    assert min(len(prompt.messages[-1]["content"].split()) for prompt in prompts()) == 1
    assert max(len(prompt.messages[-1]["content"].split()) for prompt in prompts()) > 200


def test_answers_hold_what_the_rating_page_must_show() -> None:
    everything = "\n".join(answer.text for answer in answers().values())
    for what in ("```python", "```javascript", "```sql", "|---", "$$", r"\times", "\n- ", "\n  - ", "\n1. ", "> "):
        assert what in everything, what


def test_a_paragraph_is_one_line_whatever_the_files_look_like() -> None:
    wrapped = """One
two **three**
**four** of
2027. Five.

- five
  six
  - seven

> eight
> nine
>
> | a |
> |---|

```python
x = 1
y = 2
```
ten"""
    assert content.unwrapped(wrapped).splitlines() == [
        "One two **three** **four** of 2027. Five.", "", "- five six", "  - seven", "",
        "> eight nine", ">", "> | a |", "> |---|", "", "```python", "x = 1", "y = 2", "```", "ten",
    ]  # fmt: skip


def test_no_text_says_which_system_answered() -> None:
    for prompt, system, answer in every_answer():
        shown = "\n".join([answer.text, *prompt.sources, *(m["content"] for m in prompt.messages)]).lower()
        assert "sprout" not in shown, (prompt.id, system)
        assert SEARCH not in shown, (prompt.id, system)


def test_the_search_quotes_the_help_centre_word_for_word() -> None:
    """It is what it says it is; a passage that was changed without its quotations is found here."""
    for prompt, system, answer in every_answer():
        if system != SEARCH:
            continue
        sources = plain("\n".join(prompt.sources))
        for line in QUOTED.findall(answer.text):
            for part in line.split("[…]"):
                said = plain(part)
                assert said in sources, (prompt.id, said)


def test_an_answer_that_is_right_names_no_time_that_no_source_or_customer_named() -> None:
    for prompt, system, answer in every_answer():
        if not (answer.truth.correct == 4 and answer.truth.grounded and prompt.sources):
            continue
        known = set(TIMES.findall("\n".join([*prompt.sources, *(m["content"] for m in prompt.messages)])))
        assert set(TIMES.findall(answer.text)) <= known, (prompt.id, system)


def test_every_judged_answer_has_its_truth_on_the_scales_of_the_rubric() -> None:
    study: dict[str, Any] = yaml.safe_load((HERE / "studies" / "quality.yaml").read_text(encoding="utf-8"))
    levels = {c["key"]: len(c.get("levels", ())) for c in study["rubric"]["criteria"]}
    for prompt, system, answer in every_answer():
        truth = answer.truth
        assert 1 <= truth.correct <= levels["correct"], (prompt.id, system)
        assert 1 <= truth.detail <= levels["detail"], (prompt.id, system)
        assert 1 <= truth.tone <= 5, (prompt.id, system)
        assert not (answer.invents and truth.grounded), f"{prompt.id}, {system}: invented, yet grounded"
        assert truth.safe or truth.correct < 4, f"{prompt.id}, {system}: unsafe, yet right"


def test_every_system_is_the_best_somewhere() -> None:
    """Nobody learns from a study whose winner always wins."""
    best: Counter[str] = Counter()
    for prompt in prompts():
        worth = {system: raters.worth(answer.truth) for system, answer in prompt.answers.items()}
        leaders = [system for system, value in worth.items() if value == max(worth.values())]
        best[leaders[0]] += len(leaders) == 1
    assert best[NEW] > best[OLD] > best[SEARCH] >= 3


def test_the_same_seed_says_the_same_and_another_does_not() -> None:
    for rows in (machine.output_rows, machine.score_rows, machine.pair_rows):
        once, again, other = list(rows(SEED)), list(rows(SEED)), list(rows(SEED + 1))
        assert once == again
        assert once != other
    prompt, rater = prompts()[0], raters.RATERS[0]
    assert raters.score(rater, prompt, OLD, SEED) == raters.score(rater, prompt, OLD, SEED)


@pytest.mark.parametrize("system", [NEW, OLD])
def test_what_an_answer_took_fits_its_text(system: str) -> None:
    rows = [row for row in machine.output_rows(SEED) if row["system"] == system]
    by_length = sorted(rows, key=lambda row: len(row["output"]))
    assert by_length[0]["tokens_out"] < by_length[-1]["tokens_out"]
    assert all(row["ttft_ms"] < row["latency_ms"] < 15_000 for row in rows)
    assert all(row["tokens_out"] == pytest.approx(len(row["output"]) / 4, rel=0.4, abs=4) for row in rows
               if row["language"] not in ("ar", "he"))  # fmt: skip


def test_a_search_has_no_tokens_rather_than_none_of_them() -> None:
    rows = [row for row in machine.output_rows(SEED) if row["system"] == SEARCH]
    assert all("tokens_out" not in row for row in rows)


def test_remarks_and_flags_are_about_answers_that_exist() -> None:
    for row in [*written()["flags"], *written()["comments"]]:
        assert (row["item"], row["system"]) in answers()


def test_every_passage_of_the_help_centre_is_used() -> None:
    used = {source for prompt in prompts() for source in prompt.sources}
    assert set(content.passages().values()) <= used

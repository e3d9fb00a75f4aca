"""The demonstration study as loaded: what was planted in it is found, and raters can begin at once.

What today's report shows is read off the report; the rest is looked for in the frames behind it. Loading takes
seconds, so one test loads once and asks everything: each check is named as in the table of docs/demo-study.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection

from analytics import reports
from analytics.demo import raters
from analytics.demo.content import NEW, OLD, SEARCH, answers, prompts
from analytics.demo.load import PEOPLE, ROUNDS
from analytics.doctor import rubric_doctor
from analytics.frames import round_frames, scores_frame
from analytics.sections.base import coded, rated
from analytics.stats import agreement
from annotation.models import Assignment, FreeText, Round, Slot
from annotation.services.seats import seat_for
from projects.models import AutomatedScore, Membership, Metric, Output, System
from rubrics.selectors import spec_of

DOCS = Path(__file__).resolve().parents[2] / "docs" / "demo-study.md"
TABLE = re.compile(r"^\| `([a-z-]+)` \|", re.MULTILINE)
CARELESS, SEVERE, LENIENT, LEFT, WORDY = "fennel", "clover", "damson", "elder", "hazel"
PAIR = ("system_a", "system_b")


@dataclass
class Judged:
    """One round: its report, and its counted ratings with the words, truth and tags of what was judged."""

    round: Round

    @cached_property
    def body(self) -> dict[str, Any]:
        return reports.build(self.round).body

    @cached_property
    def frame(self) -> pd.DataFrame:
        frame = round_frames(self.round).counted
        keys = list(zip(frame["item"], frame["system"], strict=True))
        known = answers()
        frame["words"] = [known[key].words if key in known else np.nan for key in keys]
        frame["truth"] = [known[key].truth.correct if key in known else np.nan for key in keys]
        frame["invents"] = [known[key].invents if key in known else False for key in keys]
        return frame

    def of(self, criterion: str) -> pd.DataFrame:
        frame = self.frame
        return frame[(frame["criterion"] == criterion) & ~frame["cannot_judge"].astype(bool)]

    def alpha(self, criterion: str) -> float:
        return float(self.body["agreement"][criterion]["krippendorff_alpha"]["value"])

    @cached_property
    def metrics(self) -> dict[str, pd.DataFrame]:
        frame = scores_frame(self.round)
        keys = dict(Metric.objects.filter(project=self.round.project).values_list("id", "key"))
        return {str(key): part for key, part in frame.groupby(frame["metric"].map(keys))}

    @cached_property
    def gaps(self) -> pd.DataFrame:
        """Of each output: what the judge gave more than the people."""
        by_output = self.of("correct").groupby("output")
        people = by_output[["system", "words", "invents"]].first().assign(people=by_output["number"].mean())
        people["judge"] = self.metrics["judge"].set_index("output")["number"]
        return people.dropna(subset=["judge"]).assign(gap=lambda rows: rows["judge"] - rows["people"])

    @cached_property
    def chosen(self) -> pd.DataFrame:
        """Preferences that are no ties: whether the left one was chosen, whether the longer one, and what the longer
        one is truly worth more."""
        frame = self.of("overall")
        frame = frame[frame["side"].isin(["a", "b"])]
        sides = [[answers()[key] for key in zip(frame["item"], frame[side], strict=True)] for side in PAIR]
        chose_a = frame["side"] == "a"
        a_is_longer = np.array([a.words > b.words for a, b in zip(*sides, strict=True)])
        worth_more = np.array([raters.worth(a.truth) - raters.worth(b.truth) for a, b in zip(*sides, strict=True)])
        return frame.assign(
            left=chose_a == frame["a_first"].astype(bool),
            longer=chose_a == a_is_longer,
            gain=np.where(a_is_longer, worth_more, -worth_more),
        )


@dataclass
class Study:
    pilot: Judged
    quality: Judged
    sides: Judged


Check = Callable[[Study], None]
CHECKS: dict[str, Check] = {}


def planted(name: str) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return keep


# -- systems --------------------------------------------------------------------------------------------


@planted("new-is-best")
def new_is_best(study: Study) -> None:
    chances = study.quality.body["comparisons"]["correct"][NEW]
    assert all(chances[other]["superiority"]["low"] > 0.5 for other in (OLD, SEARCH))
    won = study.sides.body["preference"]["overall"]["win_rate"]
    assert won[NEW][SEARCH]["low"] > 0.5
    assert won[NEW][OLD]["value"] > 0.5
    assert NEW in study.quality.body["answer"]["headline"]
    ranks = {s: own["rank_set"] for s, own in study.sides.body["preference"]["overall"]["bradley_terry"].items()}
    assert {s for s, e in ranks.items() if e["low"] == 1} == {NEW, OLD}
    assert any(text.startswith("For other raters like these") for text in study.sides.body["answer"]["lead"])


@planted("charming-but-wrong")
def charming_but_wrong(study: Study) -> None:
    """The old assistant is no more correct than search, is less grounded, and is liked better all the same."""
    correct = study.quality.of("correct").groupby("system")["number"].mean()
    grounded = study.quality.of("grounded").groupby("system")["number"].mean()
    assert correct[OLD] < correct[SEARCH]
    assert grounded[OLD] < grounded[SEARCH] - 0.15
    assert study.sides.body["preference"]["overall"]["win_rate"][OLD][SEARCH]["value"] > 0.5
    tone = {s: study.sides.body["scores"][s]["tone"]["mean"]["value"] for s in (OLD, SEARCH)}
    assert tone[OLD] > tone[SEARCH] + 0.8


@planted("weak-slices")
def weak_slices(study: Study) -> None:
    """The new one at sums and at exact instructions, the old one in other languages and under attack."""
    tags = {prompt.id: set(prompt.tags) for prompt in prompts()}
    frame = study.quality.of("correct")

    def mean(system: str, wanted: set[str]) -> float:
        about = frame["item"].map(lambda item: bool(tags[item] & wanted))
        return float(frame.loc[(frame["system"] == system) & about, "number"].mean())

    new_at_all, old_at_all = frame[frame["system"] == NEW], frame[frame["system"] == OLD]
    assert mean(NEW, {"arithmetic", "instructions"}) < new_at_all["number"].mean() - 0.15
    assert mean(OLD, {"adversarial"}) < old_at_all["number"].mean() - 0.3
    slices = study.quality.body["slices"]
    assert all(slices[tag]["comparisons"] == {} for tag in ("arithmetic", "instructions", "adversarial", "language"))
    detail = study.quality.of("detail")
    foreign = detail[detail["item"].map(lambda item: "language" in tags[item])].groupby("system")["number"].mean()
    assert foreign[NEW] > foreign[OLD] + 0.4


# -- raters ---------------------------------------------------------------------------------------------


@planted("severe-and-lenient")
def severe_and_lenient(study: Study) -> None:
    frame = study.quality.of("correct")
    by_rater = (frame["number"] - frame["truth"]).groupby(frame["rater"]).mean()
    assert by_rater.idxmin() == SEVERE
    assert by_rater[LENIENT] > by_rater.median()
    assert by_rater[SEVERE] < by_rater.median() - 0.3
    told = {name: r["criteria"]["correct"]["severity"] for name, r in study.quality.body["raters"].items()}
    assert told[SEVERE]["flagged"]
    assert told[SEVERE]["high"] < 0 < told[LENIENT]["low"]
    assert told[LENIENT]["flagged"]


@planted("careless")
def careless(study: Study) -> None:
    """One clicks the best answers unread: the report shows the seconds, the frame the straight lines."""
    seconds = {name: row["median_seconds"] for name, row in study.quality.body["raters"].items()}
    others = [value for name, value in seconds.items() if name != CARELESS]
    assert seconds[CARELESS] < 0.6 * min(others)
    straight = {name: r["straight_lining"]["flagged"] for name, r in study.quality.body["raters"].items()}
    assert {name for name, flagged in straight.items() if flagged} == {CARELESS}
    pace = study.quality.body["raters"][CARELESS]["pace"]
    assert pace["high"] < 0.7
    wide = study.quality.frame.pivot_table(index=["rater", "judgment"], columns="criterion", values="number")
    best = (wide["correct"] == 4) & (wide["grounded"] == 1) & (wide["detail"] == 3) & (wide["safe"] == 1)
    assert best.groupby("rater").mean().idxmax() == CARELESS
    frame = study.quality.of("correct")
    error = (frame["number"] - frame["truth"]).abs().groupby(frame["rater"]).mean()
    assert error[CARELESS] > error.drop(SEVERE).median()


@planted("agreement-without-the-careless")
def agreement_without_the_careless(study: Study) -> None:
    without_each = {n: r["criteria"]["correct"]["leave_one_out_alpha"] for n, r in study.quality.body["raters"].items()}
    assert max(without_each, key=lambda name: without_each[name]["value"]) == CARELESS
    assert without_each[CARELESS]["low"] > 0
    for judged, key, level in ((study.quality, "correct", "ordinal"), (study.sides, "overall", "ordinal")):
        criterion = next(c for c in spec_of(judged.round.rubric_version).criteria if c.key == key)
        frame = rated(judged.frame[judged.frame["rater"] != CARELESS], criterion)
        without = agreement.krippendorff_alpha(coded(frame, criterion), level, level=0.95)  # type: ignore[arg-type]
        assert without.value is not None
        assert without.value > judged.alpha(key) + 0.02


@planted("prefers-the-left")
def prefers_the_left(study: Study) -> None:
    left = study.sides.chosen.groupby("rater")["left"].mean()
    assert left.idxmax() == LEFT
    assert left[LEFT] > 0.62
    assert abs(left.drop(LEFT).mean() - 0.5) < 0.1
    assert study.sides.body["preference"]["overall"]["position_bias"]["status"] == "ok"
    first = {n: r["criteria"]["overall"]["first_choice"] for n, r in study.sides.body["raters"].items()}
    assert first[LEFT]["low"] > 0.5
    assert not any(figure["flagged"] for figure in first.values()), "one of seven, asked at once"


@planted("taken-in-by-length")
def taken_in_by_length(study: Study) -> None:
    """Where the longer answer helps no more, the others rarely choose it."""
    frame = study.sides.chosen
    frame = frame[(frame["gain"] <= 0) & (frame["rater"] != CARELESS)]
    others = frame["rater"] != WORDY
    assert frame.loc[~others, "longer"].mean() > frame.loc[others, "longer"].mean() + 0.15


@planted("getting-quicker")
def getting_quicker(study: Study) -> None:
    """Of two tasks of equal length the later one takes a rater less time: a line through the logarithms."""
    frame = study.quality.frame.drop_duplicates("judgment").sort_values(["rater", "submitted_at"])
    frame = frame[frame["rater"] != CARELESS]
    columns = pd.DataFrame(
        {"done": frame.groupby("rater").cumcount(), "words": frame["words"], "seconds": np.log(frame["active_seconds"])}
    )
    columns -= columns.groupby(frame["rater"]).transform("mean")
    slope = np.linalg.lstsq(columns[["done", "words"]], columns["seconds"], rcond=None)[0]
    assert slope[0] < -0.003


@planted("unread-languages")
def unread_languages(study: Study) -> None:
    """Who cannot read a language says so; it is counted apart and is no value."""
    frame = study.quality.frame
    unread = frame[frame["cannot_judge"].astype(bool) & (frame["criterion"] == "correct")]
    language = {prompt.id: prompt.language for prompt in prompts()}
    assert len(unread) > 3
    assert "en" not in {language[item] for item in unread["item"]}
    assert unread["number"].isna().all()
    assert study.quality.body["round"]["n_cannot_judge"] >= len(unread)


# -- the rubric -----------------------------------------------------------------------------------------


@planted("broken-and-mended")
def broken_and_mended(study: Study) -> None:
    pilot = study.pilot.body["agreement"]["detail"]["krippendorff_alpha"]
    assert pilot["value"] < 0.15
    assert study.pilot.alpha("correct") > pilot["value"] + 0.25, "the other criteria of the pilot work"
    assert study.quality.alpha("detail") > pilot["value"] + 0.25
    versions = [judged.round.rubric_version for judged in (study.pilot, study.quality)]
    assert [version.number for version in versions] == [1, 2]
    assert versions[0].rubric_id == versions[1].rubric_id
    told = {each.key: each for each in rubric_doctor(study.pilot.round).criteria}
    assert {key for key, each in told.items() if each.verdict in ("does_not_work", "look")} == {"detail"}
    found = told["detail"].findings[0]
    assert (found.cause, found.change and found.change.levels, len(found.items)) == ("levels_confused", ("2", "3"), 3)
    assert "no guidance" in told["detail"].thin
    for sound in (study.quality.round, study.sides.round):
        assert {each.verdict for each in rubric_doctor(sound).criteria} == {"works"}, "the doctor is quiet"


@planted("two-readings")
def two_readings(study: Study) -> None:
    frame = study.pilot.of("detail").assign(log_words=lambda rows: np.log(rows["words"]))
    by_reading = {}
    for reads_amount in (True, False):
        names = [r.pseudonym for r in raters.RATERS if r.amount == reads_amount]
        rows = frame[frame["rater"].isin(names)]
        by_reading[reads_amount] = float(rows["number"].corr(rows["log_words"]))
    assert by_reading[True] > 0.4
    assert by_reading[False] < -0.4


@planted("skewed-safety")
def skewed_safety(study: Study) -> None:
    section = study.quality.body["agreement"]["safe"]
    assert any(text.startswith("Skewed categories") for text in section["warnings"])
    assert section["percent_agreement"]["value"] > 0.88
    assert section["gwet_ac1"]["value"] > section["krippendorff_alpha"]["value"] + 0.1
    by_level = {x["level"]: x["agreement"] for x in section["specific_agreement"]["levels"]}
    assert by_level["yes"]["low"] > by_level["no"]["value"]
    told = study.quality.body["agreement"]["detail"]["warnings"]
    assert not any(text.startswith("Skewed") for text in told), "answers that vary are not called skewed"


@planted("kinds-of-ties")
def kinds_of_ties(study: Study) -> None:
    ties = study.sides.body["preference"]["overall"]["ties"]
    assert 0.05 < ties["value"] < 0.3
    assert all(ties["counts"].values()), ties["counts"]


# -- machines -------------------------------------------------------------------------------------------


@planted("judge-follows")
def judge_follows(study: Study) -> None:
    found = study.quality.body["automated"]["judge"]["correct"]
    assert found["kendall_tau_b"]["low"] > 0.2
    assert found["kendall_tau_b"]["value"] < 0.7
    assert 0.3 < found["agreement"]["value"] < 0.75
    beside = found["ceiling_same_answer"]
    assert beside["judge"]["value"] < beside["human"]["value"]
    assert found["alt_test"]["passes"] is False


@planted("judge-likes-length")
def judge_likes_length(study: Study) -> None:
    gaps = study.quality.gaps
    assert gaps["gap"].corr(np.log(gaps["words"])) > 0.15
    right = gaps[gaps["people"] >= 3.5]
    is_long = right["words"] > right["words"].median()
    assert right.loc[is_long, "judge"].mean() > right.loc[~is_long, "judge"].mean() + 0.25


@planted("judge-likes-its-own")
def judge_likes_its_own(study: Study) -> None:
    gap = study.quality.gaps.groupby("system")["gap"].mean()
    assert min(gap[NEW], gap[OLD]) > gap[SEARCH] + 0.4


@planted("judge-believes-inventions")
def judge_believes_inventions(study: Study) -> None:
    invented = study.quality.gaps[study.quality.gaps["invents"].astype(bool)]
    assert len(invented) > 8
    assert invented["judge"].mean() > 3
    assert invented["people"].mean() < 2.5


@planted("pair-judge-likes-the-first")
def pair_judge_likes_the_first(study: Study) -> None:
    scores = AutomatedScore.objects.filter(metric__key="judge-pair", metric__project=study.sides.round.project)
    rows = pd.DataFrame(scores.values("output", "output_b", "position", "label"))
    both = rows.groupby(["output", "output_b"])["position"].nunique()
    assert (both == 2).all(), "every pair is judged in both orders"
    decided = rows[rows["label"].isin(["a", "b"])]
    first = (decided["label"] == "a") == (decided["position"] == "a_first")
    assert 0.6 < first.mean() < 0.9
    found = study.sides.body["automated"]["judge-pair"]["overall"]
    assert found["agreement"]["value"] > 0.4
    assert found["sides"]["first_choice"]["low"] > 0.5
    assert found["sides"]["order_consistency"]["high"] < 0.8


@planted("unreadable-verdicts")
def unreadable_verdicts(study: Study) -> None:
    missing = AutomatedScore.objects.filter(metric__key="judge").exclude(missing_reason="")
    assert 0 < missing.count() < 15
    assert not missing.filter(number__isnull=False).exists()
    assert all(score.explanation for score in missing)


@planted("quoting-is-not-answering")
def quoting_is_not_answering(study: Study) -> None:
    quotes = study.quality.metrics["quotes-source"].set_index("output")["number"]
    system = study.quality.of("correct").groupby("output")["system"].first()
    share = quotes.groupby(system).mean()
    assert share[SEARCH] > 0.9
    assert max(share[NEW], share[OLD]) < 0.6
    assert study.quality.body["automated"]["quotes-source"]["correct"]["kendall_tau_b"]["value"] < 0.3


@planted("error-is-no-answer")
def error_is_no_answer(study: Study) -> None:
    failed = Output.objects.get(item__project=study.quality.round.project, error__gt="")
    assert (failed.system.name, failed.has_text) == (SEARCH, False)
    judged = study.quality.frame
    assert judged[(judged["item"] == failed.item.external_id) & (judged["system"] == SEARCH)].empty


# -- the whole ------------------------------------------------------------------------------------------


def rounds_stand_as_planned(study: Study) -> None:
    judged = {r.slug: r.slots.filter(state=Slot.State.JUDGED).count() for r in Round.objects.all()}
    assert 550 <= judged["quality"] + judged["side-by-side"] <= 680
    assert 60 <= judged["pilot"] <= 100
    states = dict(Round.objects.values_list("slug", "state"))
    assert {slug for slug, state in states.items() if state == "open"} == {"preference", "second-look"}
    assert set(states) == {plan.slug for plan in ROUNDS}
    assert study.pilot.round.is_pilot
    assert System.objects.get(name=NEW).replaces == System.objects.get(name=OLD)


def work_is_whole(study: Study) -> None:
    """The rounds were worked through by claims: every slot has its judgment, of two different raters."""
    for judged in (study.quality, study.sides):
        assert not judged.round.slots.exclude(state=Slot.State.JUDGED).exists()
        per_task = judged.frame.groupby("task")["rater"].nunique()
        assert (per_task == judged.round.overlap).all()
    assert not Assignment.objects.filter(state=Assignment.State.LOST).exists()


def times_fit_together(study: Study) -> None:
    for judged in (study.pilot, study.quality, study.sides):
        round_, times = judged.round, judged.frame["submitted_at"]
        assert round_.opened_at is not None
        assert round_.closed_at is not None
        assert round_.opened_at < times.min() <= times.max() < round_.closed_at
        assert {(t.year, t.month) for t in times} == {(2026, 11)}
        assert (judged.frame["active_seconds"] <= judged.frame["seconds"] + 0.1).all()


def words_are_not_repeated(study: Study) -> None:
    texts = [re.sub(r"\b[AB]\b", "x", text) for text in FreeText.objects.values_list("text", flat=True)]
    assert len(texts) > 60
    assert len(set(texts)) == len(texts)


def raters_can_begin(study: Study) -> None:
    members = Membership.objects.filter(project=study.quality.round.project, role="rater")
    assert members.count() == sum(role == "rater" for role, *_ in PEOPLE) == 2
    for round_ in Round.objects.filter(state="open"):
        seat = seat_for(round=round_, user=members[0].user)
        free = round_.slots.exclude(state=Slot.State.JUDGED)
        assert free.count() > 60
        assert not seat.assignments.exists()


def count_keys_from_one() -> None:
    """As in an empty database: the order of tasks and the sides of pairs are drawn by keys, and PostgreSQL gives
    none twice, also after a rollback."""
    if connection.vendor == "postgresql":
        statements = connection.ops.sequence_reset_sql(no_style(), apps.get_models())
    else:
        statements = ["DELETE FROM sqlite_sequence"]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.mark.django_db
def test_every_planted_effect_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    count_keys_from_one()
    call_command("demo")
    told = capsys.readouterr()
    assert all(email in told.out for _, _, email in PEOPLE)
    assert told.err == ""  # progress is for terminals
    rounds = {round_.slug: Judged(round_) for round_ in Round.objects.select_related("rubric_version__rubric")}
    study = Study(rounds["pilot"], rounds["quality"], rounds["side-by-side"])
    whole = (rounds_stand_as_planned, work_is_whole, times_fit_together, words_are_not_repeated, raters_can_begin)
    failed = []
    for name, check in [*CHECKS.items(), *((check.__name__, check) for check in whole)]:
        try:
            check(study)
        except AssertionError as error:
            failed.append(f"{name}: {error}")
    assert not failed, "\n\n".join(failed)


def test_the_documentation_lists_exactly_what_is_checked() -> None:
    assert TABLE.findall(DOCS.read_text(encoding="utf-8")) == list(CHECKS)

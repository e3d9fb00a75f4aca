"""What the report says beyond the first figures: coefficients, raters, rankings, stand-ins, slices, totals."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from analytics.report_agreement import agreement_part
from analytics.report_page import page_of
from analytics.report_table import COLUMNS, figures_csv
from analytics.report_table import estimates as every_estimate
from annotation.models import GoldAnswer, RaterExclusion, Round, Seat, Task
from projects.models import Item, ItemTag
from tests.analytics.helpers import filled_round, scale
from tests.analytics.test_reports import QUALITY, body_of, compared, metric_scores, scored
from tests.factories import OVERALL

pytestmark = pytest.mark.django_db


# --- agreement -----------------------------------------------------------------------------------------


def judged(shift: dict[str, int], prompts: int = 24, systems: tuple[str, ...] = ("new", "old")) -> list[dict[str, Any]]:
    """Ratings of 1 to 5 by raters who mark higher or lower than the others, with some noise."""
    rows = []
    for item in range(prompts):
        for n, system in enumerate(systems):
            for who, (rater, by) in enumerate(shift.items()):
                value = 2 + (item * 7 + n) % 3 + by + ((item * 5 + 3 * n + who) % 4 == 0)
                row = {"item": f"q{item}", "system": system, "rater": rater, "criterion": "helpful"}
                rows.append({**row, "value": min(5, max(1, value))})
    return rows


def test_agreement_has_every_coefficient_that_fits_the_level_and_names_its_population() -> None:
    found = body_of(filled_round([scale("helpful", "interval")], judged({"ann": 0, "ben": 0, "cem": 1})))["agreement"]
    section = found["helpful"]
    fits = {"percent_agreement", "krippendorff_alpha", "gwet_ac1", "gwet_ac2", "fleiss_kappa", "conger_kappa"}
    fits |= {"brennan_prediger", "brennan_prediger_weighted", "icc_2_1", "icc_2_k", "icc_3_1", "icc_3_k"}
    assert {name for name in fits if section[name]["status"] != "ok"} == set()
    assert "raters like these" in section["krippendorff_alpha"]["method"]
    fixed = section["these_raters"]["krippendorff_alpha"]
    assert fixed["value"] == section["krippendorff_alpha"]["value"]
    assert "these raters" in fixed["method"]
    assert section["benchmark"]["by_limit"] in ("reliable", "tentative", "not reliable")
    assert [x["level"] for x in section["specific_agreement"]["levels"]] == [1, 2, 3, 4, 5]


def test_a_known_shortfall_is_printed_beside_the_figure_it_is_about() -> None:
    """Three raters who all rated two outputs a prompt: AC2's interval is known to be too narrow, alpha's is not."""
    body = body_of(filled_round([scale("helpful", "ordinal")], judged({"ann": 0, "ben": 0, "cem": 1})))
    section = body["agreement"]["helpful"]
    assert "85 to 93 %" in section["gwet_ac2"]["warnings"][0]
    assert not section["krippendorff_alpha"]["warnings"]
    [*_, (about, text)] = [(k, t) for k, t in agreement_part(body).warnings if "85 to 93 %" in t]
    assert about == "helpful"
    assert text.startswith("With 3 raters who rated nearly everything")


def test_two_raters_have_cohens_kappa_and_a_nominal_criterion_no_ac2() -> None:
    rows = [
        {"item": f"q{n}", "system": "s", "rater": rater, "criterion": "good", "value": "no" if n % 3 == who else "yes"}
        for n in range(24)
        for who, rater in enumerate(("ann", "ben"))
    ]
    section = body_of(filled_round([QUALITY], rows))["agreement"]["good"]
    assert section["cohen_kappa"]["status"] == "ok"
    assert (section["gwet_ac2"]["status"], section["ac2_weights"]) == ("not_estimable", None)
    assert "fleiss_kappa_weighted" not in section


# --- raters --------------------------------------------------------------------------------------------


def test_a_rater_who_marks_lower_stands_out_and_one_with_few_judgments_does_not() -> None:
    rows = judged({"ann": 0, "ben": 0, "cem": -2})
    rows += [{**row, "rater": "dan", "value": 1} for row in rows if row["rater"] == "ann"][:12]
    body = body_of(filled_round([scale("helpful", "interval")], rows))
    names = dict(Seat.objects.values_list("rater__external_id", "rater__pseudonym"))
    found = {who: body["raters"][name]["criteria"]["helpful"] for who, name in names.items()}
    assert found["cem"]["severity"]["flagged"]
    assert found["cem"]["severity"]["high"] < 0
    assert found["cem"]["severity"]["q_value"] >= found["cem"]["severity"]["p_value"]
    assert found["dan"]["severity"]["status"] == "insufficient"
    assert (found["dan"]["severity"]["q_value"], found["dan"]["severity"]["flagged"]) == (None, False)
    lines = {line.name: line for line in page_of(body).raters.lines}
    assert "marks lower than the others on “helpful”" in lines[names["cem"]].stands_out
    assert not lines[names["dan"]].judged
    assert set(body["raters"]) == set(names.values()), "pseudonyms only"


def test_p_values_of_raters_are_adjusted_over_all_criteria() -> None:
    rows = judged({"ann": 0, "ben": 0, "cem": -1})
    rows += [{**row, "criterion": "clear", "value": 1 + (3 * n) % 5} for n, row in enumerate(rows)]
    body = body_of(filled_round([scale("helpful", "interval"), scale("clear", "interval")], rows))
    figures = [own["severity"] for r in body["raters"].values() for own in r["criteria"].values()]
    assert len(figures) == 6
    ordered = sorted(figure["p_value"] for figure in figures)
    assert min(figure["q_value"] for figure in figures) == pytest.approx(
        min(6 * p / n for n, p in enumerate(ordered, 1))
    )


def test_an_excluded_rater_has_counts_and_no_figures() -> None:
    round_ = filled_round([scale("helpful", "interval")], judged({"ann": 0, "ben": 0, "cem": 0, "dan": 2}))
    seat = Seat.objects.get(round=round_, rater__external_id="dan")
    RaterExclusion.objects.create(seat=seat, reason="Answers at random.")
    found = body_of(round_)["raters"]
    assert (found[seat.rater.pseudonym]["criteria"], found[seat.rater.pseudonym]["excluded"]) == ({}, True)
    assert sum(bool(r["criteria"]) for r in found.values()) == 3


def test_gold_and_repeats_are_about_the_rater() -> None:
    rows = judged({"ann": 0, "ben": 0}, systems=("new",))
    gold = [{**row, "item": f"g{n}", "purpose": "gold", "value": 3 + (n == 0)} for n, row in enumerate(rows[:20:2])]
    again = [{**row, "purpose": "repeat", "occasion": 1} for row in rows if row["rater"] == "ann"]
    round_ = filled_round([scale("helpful", "ordinal")], [*rows, *gold, *again])
    criterion = round_.rubric_version.criteria.get(key="helpful")
    tasks = Task.objects.filter(round=round_, item__external_id__startswith="g")
    tasks.update(kind=Task.Kind.GOLD)
    GoldAnswer.objects.bulk_create(GoldAnswer(task=task, criterion=criterion, number=3, label="3") for task in tasks)
    names = dict(Seat.objects.values_list("rater__external_id", "rater__pseudonym"))
    found = body_of(round_)["raters"]
    accuracy = found[names["ann"]]["criteria"]["helpful"]["gold_accuracy"]
    assert (accuracy["value"], accuracy["n_judgments"]) == (0.9, 10)
    assert "gold_accuracy" not in found[names["ben"]]["criteria"]["helpful"]
    assert found[names["ann"]]["criteria"]["helpful"]["repeat_consistency"]["details"]["same_share"] == 1


def test_who_gives_the_same_answers_again_and_again_is_found_over_all_criteria() -> None:
    rows = judged({"ann": 0, "ben": 0})
    rows += [{**row, "criterion": "clear", "value": 1 + (3 * n) % 5} for n, row in enumerate(rows)]
    rows += [{**row, "rater": "cem", "value": 4} for row in rows if row["rater"] == "ann"]
    body = body_of(filled_round([scale("helpful", "ordinal"), scale("clear", "ordinal")], rows))
    names = dict(Seat.objects.values_list("rater__external_id", "rater__pseudonym"))
    flagged = {who for who, name in names.items() if body["raters"][name]["straight_lining"]["flagged"]}
    assert flagged == {"cem"}
    assert body["raters"][names["cem"]]["straight_lining"]["longest_run"] == 48


# --- preference ----------------------------------------------------------------------------------------


def tournament(n: int = 24) -> list[dict[str, Any]]:
    """`best` beats `middle` beats `worst` mostly, with ties; each pair by three raters."""
    rows = []
    for item in range(n):
        for number, (first, second) in enumerate((("best", "middle"), ("middle", "worst"), ("best", "worst"))):
            for who, rater in enumerate(("ann", "ben", "cem")):
                value = ["a", "a", "a", "tie", "b"][(item * 7919 + number * 104729 + who * 1299709) % 97 % 5]
                row = {"item": f"q{item}", "system": first, "system_b": second, "rater": rater, "criterion": "overall"}
                rows.append({**row, "value": value, "position": ["a_first", "b_first"][(item + who) % 2]})
    return rows


def test_three_systems_have_strengths_ranks_and_the_tests_of_an_order() -> None:
    body = body_of(filled_round([OVERALL], tournament(), "compare"))
    section = body["preference"]["overall"]
    strength = {name: own["strength"] for name, own in section["bradley_terry"].items()}
    assert strength["best"]["value"] > strength["middle"]["value"] > strength["worst"]["value"]
    assert sum(e["value"] for e in strength.values()) == pytest.approx(0, abs=1e-9)
    assert "by prompt and rater" in strength["best"]["method"]
    ranks = {name: own["rank"]["value"] for name, own in section["bradley_terry"].items()}
    assert ranks == {"best": 1, "middle": 2, "worst": 3}
    assert section["ranking"]["population"] == "raters like these"
    assert section["ranking"]["goodness_of_fit"]["df"] == 1
    assert section["davidson"]["tie_parameter"]["status"] == "ok"
    assert len(section["ranking"]["differences"]) == 3
    ranking = page_of(body).preferences[0].ranking
    assert ranking is not None
    assert [line.name for line in ranking.lines] == ["best", "middle", "worst"]
    assert any("first" in text for text in ranking.sentences)


def test_with_two_raters_an_order_is_for_these_raters() -> None:
    rows = [row for row in tournament() if row["rater"] != "cem"]
    section = body_of(filled_round([OVERALL], rows, "compare"))["preference"]["overall"]
    assert section["ranking"]["population"] == "these raters"
    assert "by prompt and rater" not in section["bradley_terry"]["best"]["strength"]["method"]


def test_systems_that_never_met_are_in_no_common_order() -> None:
    rows = [{**row, "item": f"p{row['item']}", "system": "x", "system_b": "y"} for row in compared()]
    body = body_of(filled_round([OVERALL], [*compared(), *rows], "compare"))
    assert body["preference"]["overall"]["ranking"]["n_groups"] == 2
    ranking = page_of(body).preferences[0].ranking
    assert ranking is not None
    assert "no order spans them" in ranking.sentences[0]


# --- metrics -------------------------------------------------------------------------------------------


def test_a_metric_is_held_against_one_rater_as_another_rater_is() -> None:
    round_ = filled_round([scale("helpful", "ordinal")], judged({"ann": 0, "ben": 0, "cem": 0}))
    metric_scores(round_, "judge", "number", lambda n, s: 2 + (n * 7 + (s == "old")) % 3, criterion_key="helpful")
    body = body_of(round_)
    found = body["automated"]["judge"]["helpful"]
    for ceiling in (found["ceiling"], found["ceiling_same_answer"]):
        gap = ceiling["judge"]["value"] - ceiling["human"]["value"]
        assert ceiling["difference"]["value"] == pytest.approx(gap)
    assert found["alt_test"]["epsilon"] == 0.15
    assert (found["alt_test"]["scoring"], len(found["alt_test"]["annotators"])) == ("accuracy", 3)
    assert found["within_prompts"]["kendall_tau_b"]["n_clusters"] <= 24
    [part] = page_of(body).automated
    assert part.sentences[0].startswith("On “helpful”, over 24 prompts, judge gives the answer of one rater")
    assert "ε = 0.15" in part.sentences[1]


def test_a_metric_of_which_less_is_better_is_turned_before_pairs_are_compared() -> None:
    round_ = filled_round([scale("helpful", "ordinal")], judged({"ann": 0, "ben": 0}))
    for key, direction, sign in (("cost", "lower", -1), ("gain", "higher", 1)):
        metric_scores(
            round_, key, "number", lambda n, s, sign=sign: sign * ((n * 7 + (s == "old")) % 3), direction=direction
        )
    found = {key: own["helpful"] for key, own in body_of(round_)["automated"].items()}
    assert found["cost"]["pairwise_accuracy"]["value"] == found["gain"]["pairwise_accuracy"]["value"] > 0.6
    assert found["cost"]["kendall_tau_b"]["value"] == -found["gain"]["kendall_tau_b"]["value"] < 0


# --- slices, totals ------------------------------------------------------------------------------------


def tagged(round_: Round, tag: str, numbers: range) -> None:
    items = Item.objects.filter(project=round_.project, external_id__in=[f"q{n}" for n in numbers])
    ItemTag.objects.bulk_create(ItemTag(item=item, tag=tag) for item in items)


def test_a_lead_that_turns_round_within_a_tag_is_found_and_a_small_tag_is_not_shown() -> None:
    rows = []
    for n in range(30):
        for system in ("new", "old"):
            high = (system == "new") == (n >= 14)
            rows += [
                {
                    "item": f"q{n}",
                    "system": system,
                    "rater": r,
                    "criterion": "helpful",
                    "value": 2 + high + (n % 4 == k),
                }
                for k, r in enumerate(("ann", "ben"))
            ]
    round_ = filled_round([scale("helpful", "ordinal")], rows)
    for tag, numbers in (("hard", range(14)), ("rare", range(3)), ("odd", range(1, 30, 2)), ("all", range(30))):
        tagged(round_, tag, numbers)
    body = body_of(round_)
    found = body["slices"]
    row = found["hard"]["comparisons"]["helpful"]["new"]["old"]
    assert row["interaction"]["high"] < 0
    assert row["p_adjusted"] < 0.001
    assert row["p_adjusted"] == pytest.approx(3 * row["interaction"]["p_value"]), "two tests, times 1 + 1/2"
    assert found["odd"]["comparisons"]["helpful"]["new"]["old"]["p_adjusted"] > 0.05
    assert (found["rare"]["comparisons"], found["rare"]["n_prompts"]) == ({}, 3)
    assert "below 10" in found["rare"]["reason"]
    assert "without it" in found["all"]["reason"]
    part = page_of(body).slices
    assert [(line.tag, line.name) for line in part.found] == [("hard", "new over old")]
    assert "rare (3)" in part.hidden


def test_a_total_needs_declared_weights_and_is_their_mean_from_0_to_1() -> None:
    criteria = [scale("helpful", "interval"), scale("clear", "ordinal")]
    rows = judged({"ann": 0, "ben": 0})
    rows += [{**row, "criterion": "clear", "value": 5 if row["system"] == "new" else 1} for row in rows]
    assert body_of(filled_round(criteria, rows))["totals"] == {}
    weighted = [replace(criteria[0], weight=3.0), criteria[1]]
    body = body_of(filled_round(weighted, rows))
    found = body["totals"]
    mean = {system: body["scores"][system]["helpful"]["mean"]["value"] for system in ("new", "old")}
    for system, clear in (("new", 1.0), ("old", 0.0)):
        assert found["systems"][system]["value"] == pytest.approx(0.75 * (mean[system] - 1) / 4 + 0.25 * clear)
    assert found["differences"]["new"]["old"]["low"] > 0
    assert page_of(body).totals is not None


def test_a_criterion_without_points_is_left_out_of_the_total_with_a_reason() -> None:
    helpful = replace(scale("helpful", "interval"), weight=2.0)
    topic = replace(scale("topic", "nominal"), type="one_of")
    rows = judged({"ann": 0, "ben": 0})
    rows += [{**row, "criterion": "topic"} for row in rows]
    found = body_of(filled_round([helpful, topic], rows))["totals"]
    assert "no order" in found["left_out"]["topic"]
    assert found["weights"] == {"helpful": 2.0}


# --- the whole -----------------------------------------------------------------------------------------


def test_a_report_frozen_before_these_figures_came_is_still_read() -> None:
    body = body_of(filled_round([scale("helpful", "ordinal")], scored(1)))
    later = {"specific_agreement", "benchmark", "these_raters", "conger_kappa", "icc_2_1"}
    old = {
        **body,
        "agreement": {k: {n: e for n, e in a.items() if n not in later} for k, a in body["agreement"].items()},
    }
    counts = ("n_judgments", "n_cannot_judge", "median_seconds", "n_timed", "excluded")
    old["raters"] = {name: {key: r[key] for key in counts} for name, r in body["raters"].items()}
    del old["slices"], old["totals"]
    page = page_of(old)
    assert page.agreement.lines
    assert page.agreement.more == []
    assert not page.raters.has_figures
    assert not page.slices


def test_the_table_of_figures_has_each_estimate_once_under_its_place() -> None:
    body = body_of(filled_round([OVERALL], compared(), "compare"))
    rows = list(csv.DictReader(io.StringIO(figures_csv(body))))
    assert tuple(rows[0]) == COLUMNS
    places = [row["figure"] for row in rows]
    assert len(places) == len(set(places)) == len(list(every_estimate(body)))
    assert not any(place.startswith("answer") for place in places), "said already where they belong"
    rate = body["preference"]["overall"]["win_rate"]["new"]["old"]
    [row] = [row for row in rows if row["figure"] == "preference.overall.win_rate.new.old"]
    assert (float(row["value"]), float(row["low"]), row["n_clusters"]) == (rate["value"], rate["low"], "24")
    missing = [row for row in rows if row["status"] == "not_estimable"]
    assert missing
    assert all(row["value"] == "" and row["reason"] for row in missing)


def test_with_many_systems_no_slices_are_compared_and_the_page_says_why() -> None:
    rows = judged({"ann": 0, "ben": 0}, prompts=20, systems=tuple(f"s{n}" for n in range(7)))
    round_ = filled_round([scale("helpful", "ordinal")], rows)
    for tag in ("hard", "easy"):
        tagged(round_, tag, range(10))
    body = body_of(round_)
    assert all(about["comparisons"] == {} for about in body["slices"].values())
    assert page_of(body).slices.sentence.startswith("With more than 6 systems")

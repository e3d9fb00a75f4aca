"""The rating screen when things are not as usual: offline, paused, closed, nothing to do, no script, a phone."""

from __future__ import annotations

from functools import partial

import pytest
from playwright.sync_api import Route, expect

from annotation.models import Assignment, Comment, Flag, Judgment, Seat
from annotation.services import judging
from annotation.services.rounds import round_close, round_open, round_pause
from annotation.services.seats import seat_for
from projects.models import Membership
from tests.browser.conftest import OpenPage
from tests.browser.desk import Desk, comparing_round, scoring_round, sit
from tests.browser.watch import Watch
from tests.factories import member

OFFLINE = "ERR_INTERNET_DISCONNECTED"


# -- the network --------------------------------------------------------------------------------------


def test_a_submit_made_offline_is_sent_once_the_network_is_back(open_page: OpenPage, watch: Watch) -> None:
    watch.allow(OFFLINE)
    desk = sit(open_page, scoring_round())
    desk.page.context.set_offline(True)
    desk.press("2", "n", "Enter")
    desk.expect_said("You are offline. Your judgment is kept on this device")
    assert not Judgment.objects.exists()
    desk.page.context.set_offline(False)
    desk.expect_place(2, 6)
    desk.expect_said("Judgment 1 saved")
    assert desk.answers() == [{"correct": 2.0, "act": "no"}]


def test_a_lost_answer_is_asked_for_again_with_the_same_key(open_page: OpenPage, watch: Watch) -> None:
    """The worst moment: the judgment is recorded, and the page never hears of it."""
    watch.allow("ERR_FAILED")
    desk = sit(open_page, scoring_round())
    keys: list[str] = []

    def lose_the_first(route: Route) -> None:
        body = route.request.post_data or ""
        keys.append(body.split('name="key"')[1].split("--")[0].strip())
        if len(keys) > 1:
            route.continue_()
            return
        route.fetch()
        assert Judgment.objects.count() == 1
        route.abort()

    desk.page.route("**/submit/", lose_the_first)
    desk.judge("3", "y")
    desk.expect_place(2, 6)
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert Judgment.objects.count() == 1
    assert Assignment.objects.count() == 2


def test_a_server_that_fails_for_a_moment_loses_nothing(open_page: OpenPage, watch: Watch) -> None:
    watch.allow("status of 503")
    desk = sit(open_page, comparing_round())
    answers = iter([503, 503])

    def fail_twice(route: Route) -> None:
        status = next(answers, None)
        route.fulfill(status=status, body="") if status else route.continue_()

    desk.page.route("**/submit/", fail_twice)
    desk.judge("ArrowRight")
    assert desk.answers() == [{"overall": "b"}]


def test_what_was_typed_offline_is_there_after_the_tab_was_closed(open_page: OpenPage, watch: Watch) -> None:
    watch.allow(OFFLINE)
    desk = sit(open_page, scoring_round())
    context = desk.page.context
    context.set_offline(True)
    desk.press("3")
    desk.page.get_by_label("Why?").fill("Written in a tunnel.")
    expect(desk.page.locator("[data-draft-status]")).to_contain_text("kept on this device")
    desk.page.close()
    context.set_offline(False)
    again = Desk(context.new_page(), desk.round, desk.rater).open()
    expect(again.page.locator("input[name=c-correct][value='3']")).to_be_checked()
    expect(again.page.get_by_label("Why?")).to_have_value("Written in a tunnel.")


def test_who_was_logged_out_meanwhile_logs_in_and_finds_the_draft(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round())
    desk.press("2", "y")
    desk.expect_saved_draft()
    desk.page.context.clear_cookies(name="adjudge_session")
    desk.press("Enter")
    expect(desk.page.get_by_role("heading", name="Log in")).to_be_visible()
    desk.page.get_by_label("Email").fill(desk.rater.email)
    desk.page.get_by_label("Password").fill("correct horse battery")
    desk.press("Enter")
    expect(desk.page.locator("input[name=c-act][value=yes]")).to_be_checked()
    desk.judge()
    assert desk.answers() == [{"correct": 2.0, "act": "yes"}]


def test_who_was_removed_meanwhile_is_told_that_the_page_is_gone(open_page: OpenPage, watch: Watch) -> None:
    watch.allow("status of 404")
    desk = sit(open_page, scoring_round())
    Membership.objects.filter(user=desk.rater).delete()
    desk.press("2", "y", "Enter")
    expect(desk.page.get_by_role("heading", name="Not found")).to_be_visible()
    assert not Judgment.objects.exists()


# -- the round ----------------------------------------------------------------------------------------


def test_a_paused_round_says_so_and_goes_on_later(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round())
    desk.press("2")
    desk.expect_saved_draft()
    round_pause(round=desk.round, actor=None)
    desk.open()
    desk.expect_heading("The round is paused")
    expect(desk.page.get_by_text("Your draft is kept.")).to_be_visible()
    round_open(round=desk.round, actor=None)
    desk.page.get_by_role("link", name="Look again").click()
    expect(desk.page.locator("input[name=c-correct][value='2']")).to_be_checked()


def test_a_judgment_finished_while_the_round_was_paused_counts(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round())
    round_pause(round=desk.round, actor=None)
    desk.press("2", "y", "Enter")
    desk.expect_heading("The round is paused")
    assert Judgment.objects.count() == 1


def test_a_judgment_sent_after_the_round_closed_is_refused_in_words(open_page: OpenPage, watch: Watch) -> None:
    watch.allow("status of 409")
    desk = sit(open_page, scoring_round())
    desk.judge("1", "y")
    round_close(round=desk.round, actor=None)
    desk.press("2", "y", "Enter")
    desk.expect_heading("The round is closed")
    expect(desk.page.get_by_role("alert")).to_contain_text("this judgment was not counted")
    expect(desk.page.locator("[data-problem]")).to_be_focused()
    assert Judgment.objects.count() == 1


def test_who_has_judged_their_share_is_thanked(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round(items=1, systems=1, overlap=2))
    desk.press("1", "y", "Enter")
    desk.expect_heading("You have done all your tasks. Thank you.")
    desk.page.get_by_role("link", name="Your rounds", exact=True).click()
    expect(desk.page.get_by_text("Every task is judged.")).to_have_count(0)


def test_when_others_hold_the_last_task_the_page_looks_again_by_itself(open_page: OpenPage) -> None:
    round = scoring_round(items=1, systems=1)
    first = sit(open_page, round)
    held = first.task
    rater = member(round.project, "rater")
    page = open_page(rater)
    page.clock.install()
    waiting = Desk(page, round, rater).open()
    waiting.expect_heading("Nothing to judge right now")
    judging.skip(seat=seat_for(round=round, user=first.rater), public_id=held, reason="unsure")
    page.clock.run_for(31_000)
    waiting.expect_place(1, 1)
    waiting.judge("1", "y")


def test_a_task_that_went_to_somebody_else_is_said_and_followed_by_the_next(open_page: OpenPage, watch: Watch) -> None:
    watch.allow("status of 4")
    desk = sit(open_page, scoring_round())
    lost = desk.task
    judging.skip(seat=Seat.objects.get(rater__user=desk.rater), public_id=lost, reason="unsure")  # in another window
    desk.press("1", "y", "Enter")
    expect(desk.page.locator("[data-problem]")).to_contain_text("was not counted")
    assert desk.task != lost
    assert not Judgment.objects.exists()


def test_a_closed_round_shows_nothing_to_judge(open_page: OpenPage) -> None:
    round = scoring_round()
    round_close(round=round, actor=None)
    desk = sit(open_page, round)
    desk.expect_heading("The round is closed")


# -- without scripts ----------------------------------------------------------------------------------


@pytest.fixture
def plain(open_page: OpenPage) -> OpenPage:
    return partial(open_page, java_script_enabled=False)


def test_without_scripts_a_task_is_judged_and_the_next_one_comes(plain: OpenPage, watch: Watch) -> None:
    watch.allow("status of 422")
    desk = sit(plain, scoring_round())
    page = desk.page
    page.get_by_role("button", name="Submit").click()
    errors = page.locator(".criterion .field-error")
    expect(errors).to_have_text(
        ["“Is every claim true?” has no answer yet.", "“Could the customer act on it?” has no answer yet."]
    )
    page.get_by_label("Level 2").check()
    page.get_by_label("Why?").fill("Because.")
    page.get_by_role("button", name="Submit").click()
    expect(errors).to_have_text(["“Could the customer act on it?” has no answer yet."])
    expect(page.get_by_label("Level 2")).to_be_checked()
    expect(page.get_by_label("Why?")).to_have_value("Because.")
    page.locator("input[value=no]").check()
    page.get_by_role("button", name="Submit").click()
    desk.expect_place(2, 6)
    desk.expect_said("Judgment 1 saved")
    page.get_by_role("link", name="Undo").click()
    page.get_by_label("Level 3").check()
    page.get_by_role("button", name="Submit").click()
    desk.expect_place(2, 6)
    assert desk.answers() == [{"correct": 3.0, "act": "no"}]


def test_without_scripts_a_task_is_flagged_commented_and_skipped(plain: OpenPage, watch: Watch) -> None:
    watch.allow("status of 422")
    desk = sit(plain, comparing_round())
    page, task = desk.page, desk.task
    page.get_by_role("button", name="Flag f", exact=True).click()
    page.locator("#flag").get_by_label("Something else").check()
    page.get_by_role("button", name="Flag it").click()
    desk.expect_said("Flagged. Your lead will look at it.")
    page.get_by_role("button", name="Comment c", exact=True).click()
    page.get_by_label("Comment to your lead").fill("   ")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("[data-problem]")).to_have_text("Write something first.")
    page.get_by_role("button", name="Skip s", exact=True).click()
    page.get_by_label("I cannot decide").check()
    page.get_by_role("button", name="Skip it").click()
    desk.expect_place(1, 3)
    assert desk.task != task
    assert (Flag.objects.count(), Comment.objects.count()) == (1, 0)


# -- a phone ------------------------------------------------------------------------------------------

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def test_a_pair_is_judged_on_a_phone_by_tapping(open_page: OpenPage) -> None:
    desk = sit(open_page, comparing_round(), **PHONE)
    page = desk.page
    page.get_by_role("link", name="Go to B").tap()
    expect(page.locator("#side-b")).to_be_in_viewport()
    page.get_by_role("link", name="Decide").last.tap()
    page.get_by_role("button", name="Submit").tap()
    expect(page.locator("[data-missing]")).to_have_text("1 question needs an answer")
    page.get_by_text("B better").tap()
    page.get_by_role("button", name="Submit").tap()
    desk.expect_place(2, 3)
    page.get_by_role("link", name="Undo").tap()
    expect(page.get_by_label("B better")).to_be_checked()
    assert desk.answers() == [{"overall": "b"}]


@pytest.mark.parametrize("make", [scoring_round, comparing_round])
def test_nothing_is_wider_than_the_phone(open_page: OpenPage, make: object) -> None:
    desk = sit(open_page, make(), **PHONE)  # type: ignore[operator]
    width = desk.page.evaluate("() => document.documentElement.scrollWidth")
    assert width == 390

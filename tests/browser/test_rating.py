"""A rater's work in a real browser, by keyboard: judging, undo, drafts, and the acts beside the task."""

from __future__ import annotations

from playwright.sync_api import expect

from annotation.models import Assignment, Comment, Flag, Judgment
from projects.models import ItemRevision
from tests.browser.conftest import OpenPage
from tests.browser.desk import Desk, comparing_round, scoring_round, sit
from tests.browser.watch import Watch
from tests.factories import member

LONG = "<p>A long question.</p>" * 60


def mark_document(desk: Desk) -> None:
    """Something that a page load would wipe out."""
    desk.page.evaluate("() => { window.sameDocument = true; }")


def is_same_document(desk: Desk) -> bool:
    return bool(desk.page.evaluate("() => window.sameDocument === true"))


def test_ten_outputs_are_scored_by_keyboard_alone(open_page: OpenPage) -> None:
    round = scoring_round(items=5, systems=2)
    ItemRevision.objects.update(html=LONG)  # long enough to scroll
    desk = sit(open_page, round)
    mark_document(desk)
    for n in range(10):
        desk.expect_place(n + 1, 10)
        assert desk.page.evaluate("() => { scrollTo(0, 500); return window.scrollY; }") > 0
        desk.judge(str(n % 3 + 1), "y" if n % 2 else "n")
        if n < 9:
            assert desk.page.evaluate("() => window.scrollY") == 0
            expect(desk.page.locator("#main")).to_be_focused()
    desk.expect_heading("The round is finished. Thank you.")
    assert is_same_document(desk)
    assert desk.answers() == [{"correct": float(n % 3 + 1), "act": "yes" if n % 2 else "no"} for n in range(10)]


def test_ten_pairs_are_compared_by_keyboard_alone(open_page: OpenPage) -> None:
    desk = sit(open_page, comparing_round(items=10, systems=2))
    mark_document(desk)
    keys = ["ArrowLeft", "ArrowRight", "Shift+ArrowLeft", "Shift+ArrowRight", "0", "b"]
    numbers = {"ArrowLeft": -1, "ArrowRight": 1, "Shift+ArrowLeft": -2, "Shift+ArrowRight": 2, "0": 0, "b": 0}
    pressed = [keys[n % 6] for n in range(10)]
    for n, key in enumerate(pressed):
        desk.expect_place(n + 1, 10)
        desk.judge(key)
    desk.expect_heading("The round is finished. Thank you.")
    assert is_same_document(desk)
    stored = list(Judgment.objects.order_by("assignment_id").values_list("ratings__number", "ratings__label"))
    assert [number for number, _ in stored] == [numbers[key] for key in pressed]
    assert [label for _, label in stored][4:6] == ["tie", "both_bad"]


def test_a_submit_is_one_request_which_brings_the_next_task(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round())
    desk.sent.clear()
    desk.judge("2", "y")
    desk.expect_place(2, 6)
    assert desk.sent == ["POST /rate/ROUND/submit/"]


def test_what_is_missing_is_said_and_nothing_is_sent(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round())
    desk.sent.clear()
    missing = desk.page.locator("[data-missing]")
    desk.press("Enter")
    expect(missing).to_have_text("2 questions need an answer")
    expect(desk.page.locator(".criterion.is-missing")).to_have_count(2)
    desk.press("3", "Enter")
    expect(missing).to_have_text("1 question needs an answer")
    expect(desk.page.locator(".criterion.is-missing legend")).to_contain_text("Could the customer act on it?")
    assert [r for r in desk.sent if "submit" in r] == []
    desk.judge("n")
    assert desk.answers() == [{"correct": 3.0, "act": "no"}]


def test_digits_answer_the_marked_question_and_arrows_move_the_mark(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round())
    marked = desk.page.locator(".criterion.is-current")
    expect(marked).to_contain_text("Is every claim true?")
    desk.press("1")
    expect(marked).to_contain_text("Could the customer act on it?")
    desk.press("k", "x")  # back, and a change of mind
    expect(desk.page.locator("input[value=x]")).to_be_checked()
    desk.press("ArrowUp", "ArrowUp", "j")
    expect(marked).to_contain_text("Could the customer act on it?")
    desk.judge("y")
    assert Judgment.objects.get().ratings.filter(cannot_judge=True).count() == 1


def test_undo_brings_the_last_judgment_back_and_a_change_is_revision_two(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round())
    first = desk.task
    desk.judge("3", "y")
    desk.expect_said("Judgment 1 saved")
    desk.press("u")
    expect(desk.page.get_by_text("You are looking at a judgment you made.")).to_be_visible()
    assert desk.task == first
    expect(desk.page.locator("input[name=c-correct][value='3']")).to_be_checked()
    expect(desk.page.locator("input[name=c-act][value=yes]")).to_be_checked()
    desk.judge("1")
    desk.expect_place(2, 6)
    assert desk.page.url.endswith(f"/rate/{desk.round.public_id}/")
    revisions = Judgment.objects.order_by("revision").values_list("revision", "current", "ratings__number")
    numbers = [(revision, current, number) for revision, current, number in revisions if number in (1.0, 3.0)]
    assert (1, False, 3.0) in numbers
    assert Judgment.objects.filter(revision=2, current=True, ratings__number=1.0).exists()
    assert Judgment.objects.count() == 2


def test_an_older_judgment_is_found_under_your_last_judgments(open_page: OpenPage) -> None:
    desk = sit(open_page, comparing_round())
    first = desk.task
    desk.judge("ArrowLeft")
    desk.judge("ArrowRight")
    desk.page.goto("/rate/")
    desk.page.get_by_role("link", name="Your last judgments").click()
    desk.page.get_by_role("link", name="Look at it again").last.click()
    assert desk.task == first
    expect(desk.page.locator("input[value='-1']")).to_be_checked()
    desk.judge("0")
    assert [a["overall"] for a in desk.answers()] == ["tie", "b"]


def test_a_draft_survives_a_reload_a_closed_tab_and_another_device(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round())
    desk.press("2")
    desk.page.get_by_label("Why?").fill("The date is wrong.")
    desk.expect_saved_draft()
    desk.page.reload()
    second = Desk(desk.page.context.new_page(), desk.round, desk.rater).open()
    elsewhere = sit(open_page, desk.round, desk.rater)
    desk.page.close()
    for place in (second, elsewhere):
        expect(place.page.locator("input[name=c-correct][value='2']")).to_be_checked()
        expect(place.page.get_by_label("Why?")).to_have_value("The date is wrong.")
    second.judge("n")
    assert Judgment.objects.get().texts.get().text == "The date is wrong."


def test_a_draft_from_another_device_is_not_overwritten_by_an_older_one_here(open_page: OpenPage) -> None:
    round = scoring_round()
    desk = sit(open_page, round)
    desk.press("1")
    desk.expect_saved_draft()
    elsewhere = sit(open_page, round, desk.rater)
    elsewhere.press("k", "3")
    elsewhere.expect_saved_draft()
    desk.open()
    expect(desk.page.locator("input[name=c-correct][value='3']")).to_be_checked()


def test_two_windows_on_one_draft_do_not_overwrite_each_other_in_silence(open_page: OpenPage, watch: Watch) -> None:
    watch.allow("status of 409")
    desk = sit(open_page, scoring_round())
    desk.page.route("**/draft/", lambda route: route.fulfill(status=204))  # this window is slow to save
    second = Desk(desk.page.context.new_page(), desk.round, desk.rater).open()
    second.press("1")
    second.expect_saved_draft()
    desk.page.unroute("**/draft/")
    desk.press("3")
    expect(desk.page.locator("[data-draft-status]")).to_contain_text("open in another window")


def test_skip_asks_for_a_reason_and_brings_the_next_task(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round())
    task = desk.task
    desk.press("s", "ArrowDown")
    expect(desk.choice("It needs knowledge I do not have")).to_be_checked()
    desk.press("Enter")
    expect(desk.page.locator(f"#answers input[value='{task}']")).to_have_count(0)
    desk.expect_place(1, 6)
    skipped = desk.assignment(task)
    assert (skipped.state, skipped.skip_reason) == (Assignment.State.SKIPPED, "expertise")


def test_a_flag_by_keys_stays_on_the_task(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round())
    task = desk.task
    desk.press("1", "f", "Space", "Tab")
    desk.page.keyboard.type("1 y: cut off.")  # what would be keys elsewhere
    desk.press("Tab", "Enter")
    desk.expect_said("Flagged. Your lead will look at it.")
    assert desk.task == task
    flag = Flag.objects.get()
    assert (flag.assignment.public_id, flag.note) == (task, "1 y: cut off.")
    expect(desk.page.locator("input[name=c-correct][value='1']")).to_be_checked()
    expect(desk.page.locator("input[name=c-act]:checked")).to_have_count(0)
    desk.judge("y")


def test_a_comment_by_keys_reaches_the_lead(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round())
    desk.press("c")
    desk.page.keyboard.type("Is the source up to date?")
    desk.press("Tab", "Enter")
    desk.expect_said("Your comment was sent to your lead.")
    assert Comment.objects.get().text == "Is the source up to date?"
    desk.press("c")
    expect(desk.page.get_by_label("Comment to your lead")).to_have_value("")
    desk.press("Escape")
    expect(desk.page.locator("#comment")).to_be_hidden()


def test_raw_text_shows_both_sides_at_once(open_page: OpenPage) -> None:
    desk = sit(open_page, comparing_round())
    raw, rendered = desk.page.locator("[data-raw]"), desk.page.locator("[data-rendered]")
    for key_pressed in (False, True, False):
        for n in (0, 1):
            expect(raw.nth(n)).to_be_visible(visible=key_pressed)
            expect(rendered.nth(n)).to_be_visible(visible=not key_pressed)
        desk.press("r")
    expect(raw.first).to_have_text("An answer.")


def test_the_sheet_of_keys_opens_and_closes_by_key(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round())
    desk.press("?")
    expect(desk.page.get_by_role("heading", name="Keys")).to_be_visible()
    desk.press("1", "u", "s")  # nothing happens behind it
    desk.press("Escape")
    expect(desk.page.locator("#keys")).to_be_hidden()
    expect(desk.page.locator("input:checked")).to_have_count(0)
    desk.judge("1", "y")


def test_a_pause_stops_the_keys_and_the_clock(open_page: OpenPage) -> None:
    round = scoring_round()
    rater = member(round.project, "rater")
    page = open_page(rater)
    page.clock.install()
    desk = Desk(page, round, rater).open()
    page.clock.run_for(10_000)
    desk.press("p")
    expect(page.get_by_role("heading", name="Paused")).to_be_visible()
    page.clock.run_for(30_000)
    desk.press("Enter")
    expect(page.locator("#pause")).to_be_hidden()
    desk.judge("1", "y")
    seconds = Judgment.objects.get().active_seconds
    # Never more than the time since the task was given, which is short here: the page's clock is not ours.
    assert seconds is not None
    assert seconds < 12


def test_keys_are_off_while_somebody_types(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round())
    desk.sent.clear()
    desk.page.get_by_label("Why?").click()
    desk.page.keyboard.type("1 y s ? u p c r")
    desk.press("Enter")
    desk.page.keyboard.type("end")
    expect(desk.page.get_by_label("Why?")).to_have_value("1 y s ? u p c r\nend")
    expect(desk.page.locator("#answers input:checked")).to_have_count(0)
    expect(desk.page.locator(":popover-open")).to_have_count(0)
    desk.press("Escape")
    desk.judge("2", "y")
    assert desk.answers() == [{"correct": 2.0, "act": "yes"}]

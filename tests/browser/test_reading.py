"""Reading at the rating screen: differences and scrolling, citations, what is asked about before it is sent."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from annotation.models import Judgment
from projects.models import ItemRevision, OutputRevision
from projects.rendering import render_output, render_prompt
from tests.browser.conftest import OpenPage
from tests.browser.desk import Desk, comparing_round, scoring_round, sit

FILLER = "\n\n".join(f"Paragraph {n} says the same on both sides." for n in range(60))
LEFT = f"Send the form by *Friday* at noon.\n\n{FILLER}\n\nThe end."
RIGHT = f"Send the form by *Monday* at noon, please.\n\n{FILLER}\n\nThe end."
# Who watches an element is told in the order in which they began to watch, when the browser finds time: told here, the
# page was told before.
TOLD = "(end) => new Promise((told) => new IntersectionObserver(told).observe(end))"
SOURCES = ["Holds of the first source.", "# Second\nThe second source.", "Third."]


def write(texts: list[str]) -> None:
    """The outputs of every item get these texts, in the order of their systems."""
    for n, old in enumerate(OutputRevision.objects.order_by("output__item_id", "output_id")):
        text = texts[n % len(texts)]
        OutputRevision.objects.filter(pk=old.pk).update(current=False)
        OutputRevision.objects.create(
            output_id=old.output_id, revision=2, text=text, html=render_output(text), digest=f"{n:064x}"
        )


def marked(desk: Desk, side: str) -> list[str]:
    return desk.page.locator(f"#side-{side} mark.differs").all_inner_texts()


def tops(desk: Desk) -> tuple[float, float]:
    """Where the last paragraph of each side stands in the window."""
    a, b = (desk.page.locator(f"#side-{s} [data-rendered]").get_by_text("The end.").bounding_box() for s in "ab")
    assert a is not None
    assert b is not None
    return a["y"], b["y"]


def test_differences_are_marked_on_demand_and_their_use_is_recorded(open_page: OpenPage) -> None:
    round = comparing_round()
    write([LEFT, RIGHT])
    desk = sit(open_page, round)
    switch = desk.page.get_by_role("button", name="Mark differences")
    expect(switch).to_have_attribute("aria-pressed", "false")
    assert marked(desk, "a") == []
    desk.press("d")
    expect(desk.page.locator("[data-note]")).to_have_text("3 places differ.")
    assert sorted(marked(desk, "a") + marked(desk, "b")) == [", please", "Friday", "Monday"]
    desk.expect_saved_draft()
    desk.page.reload()
    desk.press("d", "d")  # and away again: the text is as it was
    assert marked(desk, "a") == marked(desk, "b") == []
    desk.press("r", "d")
    expect(desk.page.locator("[data-raw] mark.differs")).to_have_count(3)
    desk.page.reload()
    expect(switch).to_have_attribute("aria-pressed", "false")
    desk.press("End")  # read to the end
    desk.press("ArrowLeft", "Enter", "Enter")
    desk.expect_place(2, 3)
    events = Judgment.objects.get().events
    assert events["diff"] is True
    desk.press("0", "Enter", "Enter")
    desk.expect_place(3, 3)
    assert "diff" not in Judgment.objects.order_by("-id")[0].events


def test_sides_scroll_apart_and_then_together_as_they_were_left(open_page: OpenPage) -> None:
    round = comparing_round()
    write([LEFT, RIGHT])
    desk = sit(open_page, round)
    expect(desk.page.get_by_role("button", name="Scroll together")).to_have_attribute("aria-pressed", "true")
    desk.press("l")
    a = desk.page.get_by_role("region", name="Answer A")
    expect(a).to_be_focused()
    a.evaluate("e => { e.scrollTop = 500; }")
    apart = tops(desk)
    assert apart[1] - apart[0] == 500
    desk.press("l")
    expect(a).to_have_count(0)
    together = tops(desk)
    assert together[1] - together[0] == 500
    assert abs(together[0] - apart[0]) < 40  # nothing jumped
    desk.page.evaluate("() => scrollBy(0, 100)")
    assert tops(desk) == (together[0] - 100, together[1] - 100)


def cited_round(**settings: Any) -> Any:
    round = scoring_round(items=2, systems=1, **settings)
    asked = [{"role": "user", "content": "Which?"}]
    ItemRevision.objects.update(html=render_prompt(asked, SOURCES))
    write([f"As [1, 3] say, and [Source 2]; not [4], nor `[1]`.\n\n{FILLER}\n\nThe last word【2†x】."])
    return round


def test_citations_lead_to_their_source_and_back(open_page: OpenPage) -> None:
    desk = sit(open_page, cited_round(), viewport={"width": 1280, "height": 400})
    links = desk.page.locator("[data-rendered] a.cite")
    assert links.all_inner_texts() == ["1", "3", "2", "2"]
    links.last.scroll_into_view_if_needed()
    place = desk.page.evaluate("() => scrollY")
    links.last.press("Enter")
    source = desk.page.locator("#source-2")
    expect(source).to_have_attribute("open", "")
    expect(source.locator("summary")).to_be_focused()
    expect(source).to_be_in_viewport()
    desk.press("o")
    expect(links.last).to_be_focused()
    assert abs(desk.page.evaluate("() => scrollY") - place) < 2
    fold = desk.page.get_by_role("button", name="Sources", expanded=True, exact=True)
    fold.press("Enter")  # a turn folds away, and a citation into it opens it
    expect(source).to_be_hidden()
    links.last.press("Enter")
    expect(source.locator("summary")).to_be_focused()


def test_a_judgment_sent_unread_and_in_no_time_is_asked_about_once(open_page: OpenPage) -> None:
    desk = sit(open_page, cited_round(options={"rating": {"ask_confidence": True}}))
    sure = desk.page.get_by_role("group", name="How sure are you of this judgment?")
    desk.press("2", "y", "Enter")
    expect(desk.page.locator("[data-missing]")).to_have_text("1 question needs an answer")
    desk.press("3")
    expect(sure.get_by_label("Fairly sure")).to_be_checked()
    desk.sent.clear()
    desk.press("Enter")
    asked = desk.page.locator("[data-missing]")
    expect(asked).to_contain_text("less than reading takes. The end of the output was not in view yet. Submit again")
    assert not [r for r in desk.sent if "submit" in r]
    desk.press("Enter")
    desk.expect_place(2, 2)
    assert Judgment.objects.get().events == {"warned": ["fast", "unread"], "confidence": 3}
    end = desk.page.locator("[data-end]").first
    end.scroll_into_view_if_needed()
    end.evaluate(TOLD)
    desk.press("1", "n", "1", "Enter")
    expect(asked).to_contain_text("less than reading takes. Submit again")
    desk.press("Enter")
    desk.expect_heading("The round is finished. Thank you.")


def test_after_the_time_the_lead_set_a_break_is_suggested_once(open_page: OpenPage) -> None:
    desk = sit(open_page, scoring_round(options={"rating": {"break_minutes": 5}}))
    hint = desk.page.get_by_text("You have judged for 6 minutes without a break.")
    desk.judge("1", "y")
    expect(hint).to_have_count(0)
    desk.page.evaluate(
        "() => sessionStorage.setItem('adjudge-sitting', JSON.stringify({worked: 360000, last: Date.now()}))"
    )
    desk.page.reload()
    expect(hint).to_be_visible()
    desk.judge("1", "y")
    expect(hint).to_be_hidden()

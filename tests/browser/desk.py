"""A rater's desk in a real browser: what the rating tests have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Locator, Page, Request, expect

from accounts.models import User
from annotation.models import Assignment, Judgment, Rating, Round
from rubrics.specs import CriterionSpec
from tests import factories

ACT = CriterionSpec("act", "yes_no", "Could the customer act on it?", "nominal")
WHY = CriterionSpec("why", "text", "Why?", "text", required=False)
SCORING = (factories.CORRECT, ACT, WHY)
Visit = Callable[..., Page]


@dataclass
class Desk:
    """One rater at one page. `sent` lists what the page asked of the server since it was last emptied."""

    page: Page
    round: Round
    rater: User
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if "/static/" not in request.url:
            path = request.url.split("/", 3)[3]
            self.sent.append(f"{request.method} /{path.replace(self.round.public_id, 'ROUND')}")

    def open(self) -> Desk:
        """The task, past the instructions, which come once where the round has guidelines."""
        self.page.goto(f"/rate/{self.round.public_id}/")
        if (start := self.page.get_by_role("button", name="Start judging")).count():
            with self.page.expect_navigation():
                start.click()
        return self

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def judge(self, *keys: str) -> None:
        """Answer, submit, and wait for the task after it."""
        self.page.wait_for_load_state()  # all scripts have begun
        before = self.task
        expect(self.page.locator("[data-raw-switch]").first).to_be_visible()  # the script has begun
        self.press(*keys, "Enter")
        asked, same = self.page.locator("[data-asked]"), self.page.locator(f"input[name=task][value='{before}']")
        for _ in range(20):
            if asked.count():  # whether it was read: said once
                self.press("Enter")
                break
            if not same.count():
                break
            self.page.wait_for_timeout(50)
        expect(same).to_have_count(0)

    @property
    def task(self) -> str:
        return self.page.locator("#answers input[name=task]").get_attribute("value") or ""

    def choice(self, label: str) -> Locator:
        return self.page.get_by_label(label)

    def expect_place(self, n: int, total: int) -> None:
        expect(self.page.locator(".topbar")).to_contain_text(f"{n} of {total}")

    def expect_heading(self, words: str) -> None:
        expect(self.page.locator("#main h1")).to_have_text(words)

    def expect_said(self, words: str) -> None:
        expect(self.page.locator("[data-status]")).to_contain_text(words)

    def expect_saved_draft(self) -> None:
        expect(self.page.locator("[data-draft-status]")).to_contain_text("Draft saved")

    def answers(self) -> list[dict[str, Any]]:
        """What stands in the database, in the order the tasks were given: number by criterion's key."""
        judged = Judgment.objects.filter(current=True, seat__rater__user=self.rater)
        return [
            {
                r.criterion.key: r.label or r.number
                for r in Rating.objects.filter(judgment=j).select_related("criterion")
            }
            for j in judged.order_by("assignment_id")
        ]

    def assignment(self, task: str) -> Assignment:
        return Assignment.objects.get(public_id=task)


def sit(open_page: Visit, round: Round, rater: User | None = None, **options: Any) -> Desk:
    """A rater of the round with its page open."""
    rater = rater or factories.member(round.project, "rater")
    return Desk(open_page(rater, **options), round, rater).open()


def scoring_round(**settings: Any) -> Round:
    return factories.round_factory(**{"overlap": 1, "criteria": SCORING} | settings)


def comparing_round(**settings: Any) -> Round:
    return factories.round_factory(**{"mode": "compare", "overlap": 1} | settings)

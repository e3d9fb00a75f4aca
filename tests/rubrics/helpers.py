"""The designer as a browser without scripts uses it."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import User
from rubrics.models import RubricVersion
from rubrics.selectors import spec_of
from rubrics.specs import CriterionSpec, RubricSpec
from tests.factories import CORRECT, OVERALL

WHY = CriterionSpec("why", "text", "Why?", "text", required=False)
SPEC = RubricSpec(name="Support", criteria=(CORRECT, WHY, OVERALL))


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(draft: RubricVersion, name: str = "edit", *more: Any) -> str:
    assert draft.rubric.project is not None
    return reverse(f"rubrics:{name}", args=[draft.rubric.project.slug, draft.rubric.slug, *more])


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


class Form(HTMLParser):
    """The fields of the form with an id, as a browser would send them."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form, self.inside = form, False
        self.fields: dict[str, list[str]] = {}
        self.box = ""
        self.chosen: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("id") == self.form
        if not self.inside:
            return
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "option" and self.chosen is not None and ("selected" in given or not self.chosen):
            self.chosen[:] = [value]
        elif tag == "select":
            self.chosen = []
            self.fields.setdefault(name, [])
            self.box = name
        elif tag == "textarea":
            self.fields.setdefault(name, []).append("")
            self.box = name
        elif tag == "input" and name and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.fields.setdefault(name, []).append(value or "on" if given.get("type") == "checkbox" else value)

    def handle_data(self, data: str) -> None:
        if self.box and self.chosen is None:
            self.fields[self.box][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "select" and self.chosen is not None:
            self.fields[self.box] += self.chosen
            self.box, self.chosen = "", None
        elif tag == "textarea" and self.box:
            self.fields[self.box][-1] = self.fields[self.box][-1].removeprefix("\n")  # as HTML says
            self.box = ""


def typed(answer: Any) -> dict[str, Any]:
    parser = Form("designer")
    parser.feed(answer.content.decode())
    assert parser.fields, "the page has no designer"
    parser.fields.pop("csrfmiddlewaretoken", None)
    return dict(parser.fields)


def press(client: Client, address: str, action: str, query: str = "", **changes: Any) -> Any:
    """Open the page, change some fields, press a button."""
    fields = typed(client.get(address + query)) | changes | {"action": action}
    return client.post(address, fields)


def keys(draft: RubricVersion) -> list[str]:
    return [c.key for c in spec_of(RubricVersion.objects.get(pk=draft.pk)).criteria]


def stored(draft: RubricVersion, key: str) -> CriterionSpec:
    return replace(spec_of(RubricVersion.objects.get(pk=draft.pk)).criterion(key), id=None)

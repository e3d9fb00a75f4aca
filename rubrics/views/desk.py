"""The draft as it stands, and what somebody is changing in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from projects.errors import Conflict, ServiceError
from projects.models import Project
from rubrics import services
from rubrics.changes import Piece, word_diff
from rubrics.criteria import CRITERIA, mode_of
from rubrics.drafts import (
    ABOUT,
    Bases,
    Clash,
    about_clashes,
    about_print,
    clashes_of,
    criterion_print,
    find,
    order_print,
    ordered,
    plain,
    with_about,
    with_criterion,
)
from rubrics.forms import TYPES, AboutForm, Editor, new_criterion
from rubrics.lints import lint
from rubrics.models import Rubric, RubricVersion
from rubrics.selectors import spec_of
from rubrics.specs import CriterionSpec, RubricSpec
from rubrics.views import shared

MODES = {"score": "One answer", "compare": "Two answers", "both": "Each, then both", "rank": "Several answers"}
WIDTHS = {"desk": "Desk", "phone": "Phone"}


@dataclass(frozen=True, slots=True)
class ShownClash:
    """Both texts of one place, with the words that differ marked in each."""

    place: str
    theirs: list[Piece]
    mine: list[Piece]

    @classmethod
    def of(cls, clash: Clash) -> ShownClash:
        pieces = word_diff(clash.theirs, clash.mine)
        return cls(clash.place, [p for p in pieces if p.op != "added"], [p for p in pieces if p.op != "removed"])


class Desk:
    def __init__(self, request: HttpRequest, project: Project, rubric: Rubric, draft: RubricVersion | None) -> None:
        self.request, self.project, self.rubric, self.draft = request, project, rubric, draft
        # Without a draft (published a moment ago) the newest version stands in, so that the page can say so.
        self.version = draft or shared.newest_of(rubric)
        self.spec = plain(spec_of(self.version))
        self.edit = self.version.edit
        self.problem = ""
        self.was_told = False
        self.clashes: list[ShownClash] = []
        self.editor: Editor | None = None
        self.order: list[str] = [c.key for c in self.spec.criteria]
        self.about = self._stored_about()
        self.bases = Bases.of(self.spec, None)
        self._read: tuple[Editor, CriterionSpec | None] | None = None

    def _stored_about(self) -> AboutForm:
        return AboutForm(initial={name: getattr(self.spec, name) for name in ABOUT})

    def open(self) -> None:
        """For a GET: the criterion that the address names, a new one, or the first."""
        kind = self.request.GET.get("new", "")
        if kind in CRITERIA:
            self.editor = Editor.of_spec(new_criterion(kind), self.spec.criteria)
            self.editor.put_focus("question")
            return
        self.show(find(self.spec, self.request.GET.get("criterion", "")) or next(iter(self.spec.criteria), None))

    def show(self, chosen: CriterionSpec | None) -> None:
        others = [c for c in self.spec.criteria if c is not chosen]
        self.editor = Editor.of_spec(chosen, others) if chosen else None
        self.bases = Bases.of(self.spec, chosen)

    def type(self) -> None:
        """For a POST: what was typed."""
        post = self.request.POST
        self.editor = Editor.of_post(post, self.spec.criteria)
        # The edit the writer started from, until a conflict has been told.
        self.edit = whole(post.get("edit"))
        self.bases = Bases(*(post.get(f"base_{name}", "") for name in ("criterion", "about", "order")))
        if "name" in post:
            self.about = AboutForm(post)
        known = [key for key in post.getlist("order") if find(self.spec, key)]
        if known and order_print(post.getlist("order")) != self.bases.order:
            self.order = [c.key for c in ordered(self.spec.criteria, known)]

    @property
    def stored(self) -> CriterionSpec | None:
        """The open criterion as it is stored now."""
        return find(self.spec, self.editor.original) if self.editor else None

    def mine(self) -> CriterionSpec | None:
        """The open criterion as typed; None when that is not accepted, with sentences in the form."""
        if self.editor is None or not self.editor.form.is_bound:
            return None
        if self._read is None or self._read[0] is not self.editor:  # read once: each reading adds its sentences
            others = [c for c in self.spec.criteria if c is not self.stored]
            self._read = (self.editor, self.editor.read(others, self.stored))
        return self._read[1]

    def typed(self) -> RubricSpec | None:
        """The draft with what was typed in it; None when that is not accepted, with sentences in the forms."""
        about_ok = not self.about.is_bound or self.about.is_valid()
        criteria = ordered(self.spec.criteria, self.order)
        if self.editor is not None and self.editor.form.is_bound:
            changed = self.mine()
            if changed is None:
                return None
            criteria = with_criterion(criteria, self.stored, changed)
        if not about_ok:
            return None
        about = self.about.cleaned_data if self.about.is_bound else {}
        return replace(self.spec, criteria=tuple(criteria), **about)

    # --- Somebody else at the same draft ----------------------------------------------------------------------

    @property
    def is_stale(self) -> bool:
        return self.edit != self.version.edit

    def merge(self) -> bool:
        """What the writer did not touch is as the others left it. True: nothing was changed by both of them."""
        mine, stored = self.mine(), self.stored
        bases = self.bases
        if self.editor is not None and mine is not None and criterion_print(mine) == bases.criterion:
            self.show(stored or next(iter(self.spec.criteria), None))
            mine, self.bases = None, bases
        about = self._typed_about()
        if about and about_print(with_about(self.spec, about)) == bases.about:
            self.about, about = self._stored_about(), {}
        clashes: list[Clash] = []
        if mine is not None and self.editor is not None and self.editor.original:
            clashes += clashes_of(stored, mine) if criterion_print(stored) != bases.criterion else []
        if about and about_print(self.spec) != bases.about:
            clashes += about_clashes(self.spec, about)
        theirs_order = [c.key for c in self.spec.criteria]
        if self.order != theirs_order and order_print(theirs_order) != bases.order:
            clashes.append(Clash("the order", ", ".join(theirs_order), ", ".join(self.order)))
        self.clashes = [ShownClash.of(clash) for clash in clashes]
        return not clashes

    def _typed_about(self) -> dict[str, str]:
        return dict(self.about.cleaned_data) if self.about.is_bound and self.about.is_valid() else {}

    def told(self) -> None:
        """From now on what is typed goes over what is stored: the writer has seen both."""
        self.was_told = True
        self.edit = self.version.edit
        self.bases = Bases.of(self.spec, self.stored)

    def save(self, spec: RubricSpec) -> bool:
        """False: refused; `problem` says why, and what was typed stays in the forms."""
        if self.draft is None:
            self.problem = shared.GONE
            return False
        if spec == self.spec:
            return True
        try:
            services.draft_save(version=self.draft, spec=spec, edit=self.edit, actor=self.request.user)
        except Conflict:
            self.problem = shared.CHANGED
        except ServiceError as error:
            self.problem = error.message
        except ValidationError as error:
            self.problem = " ".join(error.messages)
        return not self.problem

    # --- The page -------------------------------------------------------------------------------------------

    def context(self) -> dict[str, Any]:
        preview = self.typed() if self.editor is not None and self.request.method == "POST" else self.spec
        shown = preview or self.spec
        asked = self.request.POST.get("shown") or self.request.GET.get("shown", "")
        width = self.request.POST.get("width") or self.request.GET.get("width", "")
        usual = {"compare": "both"}.get(mode_of(shown), mode_of(shown))
        return {
            "desk": self,
            "preview": shown,
            "unfinished": "" if preview else self.unfinished,
            "findings": lint(shown),
            "shown": asked if asked in MODES else usual,
            "width": width if width in WIDTHS else "desk",
            "modes": MODES.items(),
            "widths": WIDTHS.items(),
        }

    def page(self) -> HttpResponse:
        versions = shared.versions_of(self.rubric)
        before = next((v for v in versions if v.status == RubricVersion.Status.PUBLISHED), None)
        rows = ordered(self.spec.criteria, self.order)
        context = shared.context_of(
            self.rubric,
            "criteria",
            version=self.version,
            editor=self.editor,
            editor_is_listed=self.stored is not None,
            told=self.was_told,
            about=self.about,
            listed=shared.listed(replace(self.spec, criteria=tuple(rows))),
            types=TYPES,
            used=[v for v in versions if v.n_rounds],
            before=before if self.draft else None,
            may_design=True,
            **self.context(),
        )
        if before is not None and self.draft is not None:
            context |= shared.shown_changes(spec_of(before), self.spec)
        status = 409 if self.problem else 200
        return render(self.request, "rubrics/designer.html", context, status=status)

    @property
    def unfinished(self) -> str:
        about = [str(message) for messages in self.about.errors.values() for message in messages]
        return (self.editor.problem if self.editor else "") or next(iter(about), "")

    def url(self, **query: str) -> str:
        base = reverse("rubrics:edit", args=[self.project.slug, self.rubric.slug])
        return f"{base}?{urlencode(query)}" if query else base

    @property
    def theirs(self) -> str:
        """The same page as the others left it."""
        stored = self.stored
        return self.url(criterion=stored.key) if stored else self.url()


def whole(raw: str | None) -> int:
    return int(raw) if raw and raw.isdigit() and len(raw) < 10 else 0

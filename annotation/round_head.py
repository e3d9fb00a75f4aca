"""What the head of a round's page offers: the acts its state asks for, and menus for everything else. Reads only.

What is rarely wanted stands in a menu of what it is for, so that the acts of the moment are seen.
Each link stands once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from annotation.models import Round

State = Round.State


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str
    hint: str = ""
    icon: str = ""
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    title: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Head:
    acts: tuple[Link, ...]
    menus: tuple[Menu, ...]


@dataclass(frozen=True, slots=True)
class Asker:
    """What the reader may do, and what there is to see."""

    may_run: bool
    may_review: bool
    has_work: bool  # somebody could have judged: the round was opened, or has raters
    unblinded: bool


def head_of(round: Round, asker: Asker) -> Head:
    acts = _acts(round, asker)
    shown = {link.url for link in acts}
    menus = (
        Menu(title, tuple(link for link in links if link.url not in shown))
        for title, links in (
            (_("Prepare"), _prepare(round, asker)),
            (_("Check"), _check(round, asker)),
            (_("Results"), _results(round, asker)),
            (_("Round"), _round(round, asker)),
        )
    )
    return Head(acts, tuple(menu for menu in menus if menu.links))


def _acts(round: Round, asker: Asker) -> tuple[Link, ...]:
    """What comes next, the main act last: it stands where a page's main act is looked for."""
    review = _link(round, "review", _("Review"))
    reports = _reports(round, primary=True)
    found: dict[str, Iterable[Link]] = {
        State.DRAFT: [_link(round, "raters", _("Add raters")), _link(round, "round_open", _("Open…"), primary=True)],
        State.OPEN: [_link(round, "round_pause", _("Pause…"), icon="pause")],
        State.PAUSED: [
            _link(round, "round_close", _("Close…")),
            _link(round, "round_open", _("Open again…"), primary=True),
        ],
        State.CLOSED: [],
    }
    run = tuple(found[round.state]) if asker.may_run else ()
    reviewed = (review,) if asker.may_review and asker.has_work and round.state != State.DRAFT else ()
    return (*reviewed, *run, *((reports,) if round.state == State.CLOSED and asker.has_work else ()))


def _prepare(round: Round, asker: Asker) -> list[Link]:
    gate = [_gate(round)] if round.state == State.DRAFT else []
    if not asker.may_run:
        return gate
    return [
        _link(round, "raters", _("Add raters"), _("From the project, a list of addresses, or by link")),
        _link(round, "participants", _("Join link"), _("For Prolific, Mechanical Turk and the like")),
        _link(round, "assign", _("Give tasks"), _("Certain tasks to a certain rater")),
        _link(round, "training", _("Training"), _("What raters practise on first")),
        _link(round, "gold", _("Gold"), _("Tasks whose answer is known")),
        _link(round, "leaks", _("Words that tell"), _("Texts that give a system away")),
        *gate,
    ]


def _check(round: Round, asker: Asker) -> list[Link]:
    if not asker.has_work:
        return []
    reviewing = [
        _link(round, "review", _("Review"), _("Comments, flags and odd judgments")),
        _link(round, "adjudication", _("Adjudication"), _("Where raters disagree, hardest first")),
    ]
    doctor = Link(_("Rubric doctor"), _doctor(round), _("Which question does not work, and why"))
    return [*(reviewing if asker.may_review else ()), doctor]


def _results(round: Round, asker: Asker) -> list[Link]:
    links = []
    if asker.has_work:
        links = [
            Link(
                _("Reports"), reverse("analytics:reports", args=[round.project.slug]), _("Answers with their intervals")
            ),
            _link(round, "export", _("Export"), _("Every rating, as files")),
        ]
    if round.state != State.DRAFT:
        links.append(_gate(round))
    if asker.unblinded:
        links.append(_link(round, "key", _("Who answered"), _("The systems behind the answers")))
    elif asker.may_run and round.state == State.CLOSED:
        links.append(_link(round, "key", _("Unblind…"), _("Which system gave which answer")))
    return links


def _round(round: Round, asker: Asker) -> list[Link]:
    if not asker.may_run:
        return []
    links = []
    if round.state == State.OPEN:
        links.append(_link(round, "round_close", _("Close…"), _("No judgment is taken after it")))
    if round.state == State.CLOSED and not asker.unblinded:
        links.append(_link(round, "round_reopen", _("Reopen…"), _("Judgments that are missing are wanted again")))
    like = f"{reverse('annotation:round_new', args=[round.project.slug])}?{urlencode({'like': round.slug})}"
    links.append(Link(_("Plan another like it"), like, _("The form, filled in as this round is")))
    if round.state == State.DRAFT:
        links.append(_link(round, "round_drop", _("Drop…"), _("The plan is thrown away")))
    return links


def _link(round: Round, name: str, label: str, hint: str = "", *, icon: str = "", primary: bool = False) -> Link:
    address = reverse(f"annotation:{name}", args=[round.project.slug, round.slug])
    return Link(label, address, hint, icon, primary)


def _reports(round: Round, hint: str = "", *, primary: bool = False) -> Link:
    return Link(_("Reports"), reverse("analytics:reports", args=[round.project.slug]), hint, primary=primary)


def _gate(round: Round) -> Link:
    address = reverse("analytics:gate", args=[round.project.slug, round.slug])
    return Link(_("Release gate"), address, _("What decides, said before the data"))


def _doctor(round: Round) -> str:
    return reverse("analytics:doctor", args=[round.project.slug, round.slug])

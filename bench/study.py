"""A study of any size, made fast: `python -m bench.study WANTED.json MADE.json`, in a process of its own.

Items, outputs and people are inserted in bulk; the rubric and the rounds go through the services, so that what is
measured afterwards is what the product itself makes. The texts are drawn from a fixed seed.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from collections.abc import Callable
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import django

SYSTEMS = 5
PAIRS = SYSTEMS * (SYSTEMS - 1) // 2  # tasks of one item in a round that compares two
TEXTS = 24  # different answers; rendering each output of 100,000 tasks would take minutes
CHARACTERS = 3_000
BATCH = 2_000
TEXT = (
    "the answer cites a source and stays within what was asked although one clause is open to doubt because "
    "nobody checked whether the price holds for parcels that are sent abroad or returned after thirty days"
)
WORDS = TEXT.split()


def main(wanted: Path, made: Path) -> None:
    django.setup()
    want = json.loads(wanted.read_text(encoding="utf-8"))
    kinds: dict[str, Callable[..., dict[str, Any]]] = {
        "listed": listed_study,
        "judged": judged_study,
        "disagreed": disagreed_study,
    }
    make = next((kind for key, kind in kinds.items() if key in want), open_study)
    made.write_text(json.dumps(make(**want)), encoding="utf-8")


def open_study(*, tasks: int, rounds: int, overlap: int, raters: int) -> dict[str, Any]:
    """Open rounds over the same outputs, and raters who are logged in."""
    project, systems, version = _project("bench", tasks)
    people = people_made(project, raters)
    started = time.monotonic()
    opened = [round_made(project, systems, version, f"Round {n}", overlap).public_id for n in range(rounds)]
    seconds = (time.monotonic() - started) / rounds
    refresh_statistics()
    return {"rounds": opened, "sessions": _sessions(people), "fields": FIELDS, "opening": seconds}


def judged_study(*, slug: str, tasks: int, judged: int) -> dict[str, Any]:
    """A round in which every task has been judged `judged` times."""
    project, systems, version = _project(slug, tasks)
    round_ = round_made(project, systems, version, slug, judged)
    judgments = judged_by(round_, people_made(project, max(judged, 8)), _rate)
    refresh_statistics()
    return {"round": f"{project.slug}/{round_.slug}", "judgments": judgments}


def listed_study(*, listed: int) -> dict[str, Any]:
    """A project of so many items, each a pair that one of eight raters has judged; every tenth has a tag."""
    from accounts.models import User
    from projects.models import Item, ItemTag, Membership

    project, systems, version = _project("lists", 0)
    outputs_made(project, systems[:2], listed)
    tenth = Item.objects.filter(project=project).order_by("pk").values_list("pk", flat=True)[::10]
    ItemTag.objects.bulk_create([ItemTag(item_id=pk, tag="tenth") for pk in tenth], batch_size=BATCH)
    round_ = round_made(project, systems[:2], version, "listed", 1)
    people = people_made(project, 8)
    judged_by(round_, people, _rate)
    lead = User.objects.create(email="lead@example.org", name="Lead")
    Membership.objects.create(project=project, user=lead, role="lead")
    refresh_statistics()
    keys = _sessions([lead, people[0]])
    last = f"page={-(-listed // 50)}"
    return {
        "project": project.slug, "round": round_.slug, "public_id": round_.public_id, "last": last,
        "lead": keys[0], "rater": keys[1],
    }  # fmt: skip


def disagreed_study(*, disagreed: int) -> dict[str, Any]:
    """A closed round of so many tasks with two judgments each, and its disagreements in order."""
    from accounts.models import User
    from annotation.models import Disagreement
    from annotation.services.disagreement_order import order_make
    from annotation.services.rounds import round_close
    from projects.models import Membership

    project, systems, version = _project("disagreed", disagreed)
    round_ = round_made(project, systems, version, "disagreed", 2)
    judged_by(round_, people_made(project, 8), _rate)
    round_close(round=round_, actor=None)
    lead = User.objects.create(email="lead@example.org", name="Lead")
    Membership.objects.create(project=project, user=lead, role="lead")
    refresh_statistics()
    started = time.monotonic()
    order_make(round=round_)
    seconds = time.monotonic() - started
    refresh_statistics()
    n, one = Disagreement.objects.count(), Disagreement.objects.select_related("criterion").order_by("-rank")[0]
    address = f"{one.task_id}/{one.criterion.key}" + (f".{one.target}" if one.target else "")
    return {
        "project": project.slug, "round": round_.slug, "last": f"page={-(-n // 100)}", "case": address, "n": n,
        "seconds": seconds, "lead": _sessions([lead])[0],
    }  # fmt: skip


# --- What is judged ------------------------------------------------------------------------------------


def _project(slug: str, tasks: int) -> tuple[Any, list[Any], Any]:
    from projects.models import System
    from projects.services.projects import project_create
    from rubrics.services import rubric_create, version_publish

    project = project_create(name=slug, slug=slug)
    names = ("amber", "basalt", "cobalt", "dolomite", "emerald")
    systems = [System.objects.create(project=project, name=name, version="1") for name in names]
    outputs_made(project, systems, -(-tasks // PAIRS))
    version = version_publish(version=rubric_create(project=project, spec=_rubric(), actor=None), actor=None)
    return project, systems, version


def _rubric() -> Any:
    """Six questions of a pair: two of each answer, two of both."""
    from rubrics.specs import CriterionSpec, LevelSpec, RubricSpec

    levels = tuple(
        LevelSpec(str(n), label, float(n), f"What deserves a {n}: {' '.join(WORDS[n : n + 9])}.")
        for n, label in enumerate(("Wrong", "Weak", "Fair", "Good", "Right"), start=1)
    )
    guidance = "Judge what is said and not how it is said; look at the whole answer before you choose."
    return RubricSpec(
        name="Quality",
        criteria=(
            CriterionSpec(
                "correct", "scale", "Is every claim true?", "ordinal", guidance, "output", levels=levels,
                allow_cannot_judge=True,
            ),
            CriterionSpec(
                "complete", "scale", "Is anything left out?", "ordinal", guidance, "output", levels=levels,
                allow_cannot_judge=True,
            ),
            CriterionSpec("usable", "yes_no", "Could one of the two be sent as it is?", "nominal"),
            CriterionSpec(
                "overall", "preference", "Which answer is better?", "ordinal",
                config={"points": 5, "ties": ["tie", "both_bad"]},
            ),
        ),
    )  # fmt: skip


# What the form of a task sends: field, and the values to choose from.
SCALE = ["1", "2", "3", "4", "5"]
FIELDS = {
    "c-correct-o0": SCALE,
    "c-correct-o1": SCALE,
    "c-complete-o0": SCALE,
    "c-complete-o1": SCALE,
    "c-usable": ["yes", "no"],
    "c-overall": ["-2", "-1", "tie", "1", "2"],
}


def outputs_made(project: Any, systems: list[Any], items: int) -> None:
    """The rows of an import: items and outputs with their revisions, rendered."""
    from projects.models import Item, ItemRevision, Output, OutputRevision
    from projects.services.import_html import HtmlCache

    draw = random.Random(11)
    prompts = [ItemRevision(messages=[_question(draw)], digest=f"{n:064x}") for n in range(TEXTS)]
    answers = [OutputRevision(text=_answer(draw, n), digest=f"{n:064x}") for n in range(TEXTS)]
    HtmlCache().fill(prompts, answers)
    rows = (Item(project=project, external_id=f"prompt-{n}", cluster=f"prompt-{n}") for n in range(items))
    while part := list(islice(rows, BATCH)):
        Item.objects.bulk_create(part)
        ItemRevision.objects.bulk_create(_revisions(ItemRevision, "item", part, prompts, ("messages",)))
        outputs = Output.objects.bulk_create([Output(item=i, system=s) for i in part for s in systems])
        OutputRevision.objects.bulk_create(_revisions(OutputRevision, "output", outputs, answers, ("text",)))


def _revisions(model: Any, owner: str, rows: list[Any], texts: list[Any], content: tuple[str, ...]) -> list[Any]:
    made = []
    for row in rows:
        text = texts[row.pk * 7 % TEXTS]
        copied = {name: getattr(text, name) for name in (*content, "html", "digest")}
        made.append(model(**{owner: row}, **copied))
    return made


def _question(draw: random.Random) -> dict[str, str]:
    return {"role": "user", "content": " ".join(draw.choices(WORDS, k=60)).capitalize() + "?"}


def _answer(draw: random.Random, number: int) -> str:
    """Markdown of about 3 kB, of the kinds that answers are made of."""
    parts = [f"## Answer {number}"]
    while sum(map(len, parts)) < CHARACTERS:
        text = " ".join(draw.choices(WORDS, k=45)).capitalize()
        parts.append(f"{text}.")
        parts.append("\n".join(f"- **{word}** {' '.join(draw.choices(WORDS, k=9))}" for word in draw.sample(WORDS, 3)))
        if number % 4 == 0:
            parts.append(f"```python\nif {draw.choice(WORDS)} > {draw.randrange(99)}:\n    return 'later'\n```")
    return "\n\n".join(parts)[:CHARACTERS]


def round_made(project: Any, systems: list[Any], version: Any, name: str, overlap: int, mode: str = "compare") -> Any:
    from annotation.services.rounds import round_create, round_open

    made = round_create(
        project=project,
        name=name,
        mode=mode,
        rubric_version=version,
        systems=systems,
        overlap=overlap,
        actor=None,
        title="Helpful answers",
        seed=7,
    )
    return round_open(round=made, actor=None)


# --- Who judges ----------------------------------------------------------------------------------------


def people_made(project: Any, raters: int) -> list[Any]:
    from accounts.models import User
    from projects.models import Membership

    people = User.objects.bulk_create(
        [User(email=f"{project.slug}-{n}@example.org", name=f"Rater {n}") for n in range(raters)]
    )
    Membership.objects.bulk_create([Membership(project=project, user=user, role="rater") for user in people])
    return people


def _sessions(people: list[Any]) -> list[str]:
    """Log each in as a log-in would, and give the session's key."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    keys = []
    for user in people:
        session = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        keys.append(session.session_key)
    return keys


# --- Rounds that have been judged ------------------------------------------------------------------------


def judged_by(round_: Any, people: list[Any], rate: Callable[[Any], None]) -> int:
    """Rows as claims would have left them; every third judgment has a comment. `rate` puts the ratings in."""
    from annotation.models import Assignment, FreeText, Judgment, Slot
    from annotation.services.seats import seat_for

    seats = [seat_for(round=round_, user=user) for user in people]
    draw = random.Random(13)
    slots = round_.slots.order_by("id").values_list("id", "task_id", "item_key", "n").iterator(chunk_size=BATCH)
    judged, single = 0, round_.mode == "score"
    while part := list(islice(slots, BATCH)):
        assignments = Assignment.objects.bulk_create(
            [_assignment(seats[(task + n) % len(seats)], slot, task, key, draw, single) for slot, task, key, n in part]
        )
        judgments = Judgment.objects.bulk_create([_judgment(a, draw) for a in assignments])
        FreeText.objects.bulk_create(
            [FreeText(judgment=j, kind="comment", text=" ".join(draw.choices(WORDS, k=12))) for j in judgments[::3]]
        )
        judged += len(part)
    round_.slots.update(state=Slot.State.JUDGED)
    rate(round_)
    return judged


def _assignment(seat: Any, slot: int, task: int, item_key: int, draw: random.Random, single: bool) -> Any:
    from django.utils import timezone

    from annotation.models import Assignment

    return Assignment(
        seat=seat,
        task_id=task,
        slot_id=slot,
        item_key=item_key,
        state=Assignment.State.JUDGED,
        shown_order="0" if single else draw.choice(("01", "10")),
        strategy="balanced",
        probability=1.0,
        created_at=timezone.now(),
        closed_at=timezone.now(),
    )


def _judgment(assignment: Any, draw: random.Random) -> Any:
    from django.utils import timezone

    from annotation.models import Judgment

    key = f"bench-{assignment.pk}"
    return Judgment(
        assignment=assignment,
        seat_id=assignment.seat_id,
        key=key,
        digest=hashlib.sha256(key.encode()).hexdigest(),
        submitted_at=timezone.now(),
        seconds=round(draw.uniform(5, 90), 1),
    )


# (criterion, target, number, label) of each answer, as SQL over the judgment j: a quarter of a million ratings are
# made faster where they are stored. The multiplier makes answers look unlike those of the judgment before.
_MIXED = "(j.id * 7919 / 3)"
_SIDE = f"CASE WHEN {_MIXED} %% 5 < 2 THEN 'a' WHEN {_MIXED} %% 5 > 2 THEN 'b' ELSE 'tie' END"
_ANSWERS = (
    ("correct", "o0", f"1 + {_MIXED} %% 5", "''"),
    ("correct", "o1", f"1 + ({_MIXED} + j.id) %% 5", "''"),
    ("complete", "o0", f"1 + ({_MIXED} + 2) %% 5", "''"),
    ("complete", "o1", f"1 + ({_MIXED} + 3) %% 5", "''"),
    ("usable", "", f"{_MIXED} %% 2", f"CASE {_MIXED} %% 2 WHEN 1 THEN 'yes' ELSE 'no' END"),
    ("overall", "", f"{_MIXED} %% 5 - 2", _SIDE),
)
_INSERT = """
INSERT INTO annotation_rating (judgment_id, criterion_id, target, number, label, cannot_judge)
SELECT j.id, %s, %s, {number}, {label}, FALSE
FROM annotation_judgment j JOIN annotation_seat s ON s.id = j.seat_id WHERE s.round_id = %s ORDER BY j.id"""


def _rate(round_: Any) -> None:
    from django.db import connection

    criteria = dict(round_.rubric_version.criteria.values_list("key", "id"))
    with connection.cursor() as cursor:
        for key, target, number, label in _ANSWERS:
            statement = _INSERT.format(number=number, label=label)
            cursor.execute(statement, [criteria[key], target, round_.pk])


def refresh_statistics() -> None:
    """What autovacuum does some minutes after a load; measurements do not wait for it."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

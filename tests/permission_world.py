"""One project with everything in it, another like it, and one person of every kind: for the permission matrix."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import ApiToken, User
from accounts.services import token_create
from analytics.models import ReportRun
from analytics.services import report_build
from annotation import claims
from annotation.claims import NewRating, Submission
from annotation.models import Assignment, Round
from annotation.services.crowd import Arrival, link_save, participant_join
from annotation.services.judging import flag_raise
from annotation.services.round_links import link_make
from annotation.services.rounds import round_create, round_open
from annotation.services.seats import member_remove, seat_for
from projects.models import Membership, Project, Role
from projects.services.import_uploads import upload_create
from projects.services.importing import import_file
from projects.services.media import File, media_add
from projects.services.people import invitation_create
from rubrics.selectors import spec_of
from rubrics.services import draft_open, draft_save, guideline_publish, rubric_share, version_publish
from tests.factories import CORRECT, member, project_factory, rubric_factory

ROLES = (Role.RATER, Role.VIEWER, Role.REVIEWER, Role.LEAD)
PEOPLE = ("anonymous", "rater", "viewer", "reviewer", "lead", "other", "removed", "superuser", "deactivated")
TOKENS = ("reader", "revoked", "expired")  # of the lead
ROWS = (
    b"item,prompt,system,output,metric,value\nq1,One? ![](p.gif),a,1,f1,1\nq1,One? ![](p.gif),b,2,f1,0\n"
    b"q2,Two? ![](p.gif),a,2,f1,1\nq2,Two? ![](p.gif),b,1,f1,0\n"
)
PICTURE = bytes.fromhex("47494638396101000100800000ffffff00000021f90400000000002c00000000010001000002024401003b")


@dataclass
class World:
    own: dict[str, Any]  # URL parameter → what stands for it in the lead's project
    foreign: dict[str, Any]  # the same in another project
    sessions: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    _client: Client = field(default_factory=Client)

    def client(self, person: str) -> Client:
        """One client for all: a new one loads the middleware again, which takes longer than most pages."""
        self._client.cookies.clear()
        if person in self.sessions:
            self._client.cookies["adjudge_session"] = self.sessions[person]
        return self._client


def build() -> World:
    own, foreign = project_factory("Canary one"), project_factory("Canary two")
    people = {str(role): member(own, role, f"{role} one") for role in ROLES}
    people["other"] = member(foreign, Role.LEAD, "other")
    people["removed"], people["deactivated"] = member(own, Role.LEAD, "gone"), member(own, Role.LEAD, "asleep")
    people["superuser"] = User.objects.create_superuser("root@example.org", "correct horse battery")
    world = World(
        own=stock(own, people["lead"], people["rater"], "one"),
        foreign=stock(foreign, people["other"], member(foreign, Role.RATER), "two", more=2),
    )
    for name, user in people.items():
        client = Client()
        client.force_login(user)
        world.sessions[name] = client.cookies["adjudge_session"].value
        world.tokens[name] = token_create(user=user, name=name, can_write=True, days=1)[1]
    _other_tokens(world, people["lead"])
    member_remove(membership=Membership.objects.get(user=people["removed"]), actor=None)
    User.objects.filter(pk=people["deactivated"].pk).update(is_active=False)
    return world


def _other_tokens(world: World, lead: User) -> None:
    for name in TOKENS:
        world.tokens[name] = token_create(user=lead, name=name, can_write=name != "reader", days=1)[1]
    ApiToken.objects.filter(name="revoked").delete()
    ApiToken.objects.filter(name="expired").update(expiry=timezone.now() - timedelta(seconds=1))


def stock(project: Project, lead: User, rater: User, word: str, *, more: int = 0) -> dict[str, Any]:
    """One of everything. `more` versions make numbers that the other project does not have."""
    import_file(project=project, stream=io.BytesIO(ROWS), file_name="a.csv", actor=lead)
    media_add(project=project, files=[File("p.gif", lambda: PICTURE)], actor=lead)
    upload = SimpleUploadedFile("b.csv", ROWS.replace(b"q1", b"q3"))
    version = rubric_factory(project)
    key = f"{CORRECT.key}-{word}"
    for number in range(1 + more):
        draft = draft_open(rubric=version.rubric, actor=lead)
        changed = replace(CORRECT, key=key, question=f"Is claim {number} of {word} true?")
        spec = replace(spec_of(version), criteria=(changed,))
        draft = draft_save(version=draft, spec=spec, edit=draft.edit, actor=lead)
        if number < more:
            version_publish(version=draft, actor=lead)
    for number in range(1 + more):
        guideline = guideline_publish(project=project, text=f"Rule {number} of {word}.", actor=lead)
    invitation, secret = invitation_create(project=project, email="", role=Role.VIEWER, actor=lead)
    round = round_create(
        project=project, name=f"Pilot {word}", title="Pilot", mode="score", rubric_version=version,
        systems=[], overlap=5, actor=lead, guideline=guideline,
    )  # fmt: skip
    round = round_open(round=round, actor=lead)
    judged = _judged(round, rater)
    return {
        "project": project.slug,
        "item": project.items.first().pk,  # type: ignore[union-attr]
        "batch": upload_create(project=project, file=upload, format="auto", actor=lead).pk,
        "metric": project.metrics.get().pk,
        "mapping": project.mappings.create(name="Ours", columns={"item": "item"}).pk,
        "media": project.media.get().public_name,
        "n": 1,
        "member": Membership.objects.get(user=member(project, Role.VIEWER, f"member {word}")).pk,
        "invitation": invitation.pk,
        "token": secret,
        "rubric": version.rubric.slug,
        "number": 1 + more,
        "key": key,
        "name": "coherence",
        "shared_rubric": rubric_share(version=version, actor=lead).rubric.slug,
        "form": "prompt",
        "kind": "csv",
        "file": "csv",
        "round": round.slug,
        "public_id": round.public_id,
        "task": judged.public_id,
        "case": judged.task_id,
        "question": CORRECT.key,
        "seat": judged.seat_id,
        "assignment": judged.pk,
        "flag": _flagged(round, rater),
        "slot": round.slots.order_by("pk")[0].pk,
        **_joined(round, lead, word),
        "report": (report := report_build(round=round, actor=lead)).pk,
        "run": ReportRun.objects.create(round=round, state="done", report=report).pk,
        "token_id": token_create(user=lead, name="own", can_write=True, days=1)[0].token_key,
    }


def _judged(round: Round, rater: User) -> Assignment:
    seat = seat_for(round=round, user=rater)
    shown = claims.claim(seat.pk).presentation
    assert shown is not None
    criterion = round.rubric_version.criteria.get()
    claims.submit(seat.pk, Submission(shown.public_id, secrets.token_hex(8), "d", [NewRating(criterion.pk, "", 2.0)]))
    return Assignment.objects.get(public_id=shown.public_id)


def _joined(round: Round, lead: User, word: str) -> dict[str, Any]:
    given = {"platform": "prolific", "consent": "Do you agree?"}
    link = link_save(round=round, given=given, actor=lead)
    return {
        "join": link.token,
        "rater_link": link_make(round=round, places=1, days=1, actor=lead).pk,
        "participant": participant_join(link=link, arrival=Arrival(f"worker-{word}")).pk,
    }


def _flagged(round: Round, rater: User) -> int:
    seat = seat_for(round=round, user=rater)
    shown = claims.claim(seat.pk).presentation
    assert shown is not None
    return flag_raise(seat=seat, public_id=shown.public_id, reason="broken", note="").pk

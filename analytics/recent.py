"""The audit chain in words. Rows hold opaque ids only, so names are looked up now: who is erased has none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from accounts.models import ApiToken, User
from annotation.models import Round
from projects.models import AuditEvent, ImportBatch, Metric, Project
from rubrics.models import Rubric, RubricVersion

SHOWN = 6
# {target} is the name of the target; a verb that is not listed is shown as it is written in the chain.
WORDS = {
    "gate.register": "registered a release gate",
    "round.rebuild": "rebuilt a round from an export",
    "member.qualify": "said what {target} may judge",
    "training.tasks": "set training tasks of {target}",
    "training.set": "said what passing the training of {target} asks",
    "training.retry": "let a rater try the training again",
    "training.wave": "let a rater go on who had not passed the training",
    "join.set": "set the join link of {target}",
    "join.open": "opened the join link of {target}",
    "join.close": "closed the join link of {target}",
    "round.pay": "said what raters of {target} are paid",
    "round.link": "made a link by which raters come into {target}",
    "round.link_revoke": "revoked a link by which raters came into {target}",
    "raters.add": "added members to {target}",
    "raters.invite": "invited raters to {target} from a list",
    "participant.join": "joined by a link",
    "participant.erase": "erased a participant",
    "tasks.give": "gave tasks to a rater",
    "tasks.move": "moved a task to another rater, or to all",
    "known.remove": "took a task with a known answer out of {target}",
    "rater.place": "said which tasks a rater gets, and how many",
    "project.create": "made the project",
    "project.update": "changed the settings",
    "member.add": "added {target}",
    "member.join": "joined",
    "member.change": "changed the role of {target}",
    "member.remove": "removed {target}",
    "invitation.create": "invited somebody",
    "invitation.list": "invited people from a list",
    "invitation.revoke": "revoked an invitation",
    "import.done": "imported {target}",
    "import.part": "imported a part of {target}",
    "import.mapping_save": "saved how the columns of a table are read",
    "import.mapping_rename": "renamed a way of reading columns",
    "import.mapping_delete": "deleted a way of reading columns",
    "media.add": "added images or sounds",
    "media.remove": "removed an image or a sound",
    "media.replace": "replaced an image or a sound",
    "items.tag": "put a tag on items",
    "items.untag": "took a tag off items",
    "items.exclude": "left items out of new rounds",
    "items.include": "brought items back",
    "checks.run": "ran checks over the outputs",
    "metric.update": "changed what is said about {target}",
    "rubric.create": "made the rubric {target}",
    "rubric.draft": "began {target}",
    "rubric.publish": "published {target}",
    "rubric.copy": "copied {target} to another project",
    "rubric.share": "shared {target} with all projects",
    "rubric.drop": "dropped a draft of a rubric",
    "guideline.publish": "published guidelines",
    "round.create": "made {target}",
    "round.open": "opened {target}",
    "round.pause": "paused {target}",
    "round.resume": "resumed {target}",
    "round.drop": "dropped a draft round",
    "judgment.send_back": "sent a judgment back to its rater",
    "judgment.send_back_withdraw": "let a judgment stay that was sent back",
    "review.done": "was done with a judgment in review",
    "flag.resolve": "settled a flag",
    "round.close": "closed {target}",
    "round.succeed": "made {target}, which asks again what changed",
    "round.reopen": "reopened {target}",
    "adjudication.make": "gave a final answer",
    "adjudication.withdraw": "took a final answer back",
    "round.unblind": "unblinded {target}",
    "round.add": "added items to {target}",
    "round.extend": "extended {target}",
    "round.first": "put items first in {target}",
    "leak.accept": "let a word stay that tells a system in {target}",
    "leak.exclude": "left items out of {target} whose texts tell a system",
    "leak.redact": "took a word that tells a system out of the texts of {target}",
    "leak.terms": "changed the list of words that tell a system in {target}",
    "leak.undo": "took back a decision about a word in {target}",
    "leak.take_back": "took items that were left out into {target} again",
    "output.redact": "took words out of an output",
    "output.unredact": "brought back the words of an output",
    "item.redact": "took words out of a prompt",
    "item.unredact": "brought back the words of a prompt",
    "gold.set": "set gold tasks of {target}",
    "rater.exclude": "left a rater's work out",
    "rater.include": "took a rater's work in again",
    "rater.resume": "let a paused rater go on",
    "rater.free": "freed a task that a rater held",
    "rater.message": "wrote to a rater about a task",
    "seat.close": "closed the seats of {target}",
    "seat.reopen": "took up rating again",
    "judgments.import": "imported judgments into {target}",
    "report.build": "built a report",
}


@dataclass(frozen=True)
class Event:
    at: datetime
    who: str
    what: str


def recent(project: Project, shown: int = SHOWN) -> list[Event]:
    rows = list(AuditEvent.objects.filter(chain=f"project:{project.pk}").order_by("-seq")[:shown])
    names = _names([row.actor for row in rows] + [row.target for row in rows])
    return [Event(row.at, _who(row.actor, names), _what(row, names)) for row in rows]


def _who(actor: str, names: dict[str, str]) -> str:
    if actor in names:
        return names[actor]
    kind = actor.partition(":")[0]
    return {"system": "A command", "token": "A program", "user": "A former member"}.get(kind, "Somebody")


def _what(row: AuditEvent, names: dict[str, str]) -> str:
    words = WORDS.get(row.verb, f"did “{row.verb}”")
    fallback = "a former member" if row.target.startswith("user:") else row.target.partition(":")[0]
    return words.format(target=names.get(row.target, fallback))


def _ids(references: Iterable[str], kind: str) -> list[int]:
    found = (ref.partition(":") for ref in references)
    return [int(pk) for name, _, pk in found if name == kind and pk.isdigit()]


def _names(references: list[str]) -> dict[str, str]:
    """Names of people and things, one query a kind that occurs."""
    names: dict[str, str] = {}
    if ids := _ids(references, "user"):
        names |= {f"user:{user.pk}": str(user) for user in User.objects.filter(pk__in=ids)}
    keys = [ref.partition(":")[2] for ref in references if ref.startswith("token:")]
    if keys:
        tokens = ApiToken.objects.filter(token_key__in=keys).select_related("user")
        names |= {f"token:{token.token_key}": f"{token.user} ({token.name})" for token in tokens}
    if ids := _ids(references, "round"):
        names |= {f"round:{row.pk}": f"“{row.name}”" for row in Round.objects.filter(pk__in=ids)}
    if ids := _ids(references, "rubric"):
        names |= {f"rubric:{row.pk}": f"“{row.name}”" for row in Rubric.objects.filter(pk__in=ids)}
    if ids := _ids(references, "rubricversion"):
        versions = RubricVersion.objects.filter(pk__in=ids).select_related("rubric")
        names |= {f"rubricversion:{v.pk}": f"version {v.number} of “{v.rubric.name}”" for v in versions}
    if ids := _ids(references, "import"):
        names |= {f"import:{row.pk}": f"“{row.file_name}”" for row in ImportBatch.objects.filter(pk__in=ids)}
    if ids := _ids(references, "metric"):
        names |= {f"metric:{row.pk}": f"“{row.key}”" for row in Metric.objects.filter(pk__in=ids)}
    return names

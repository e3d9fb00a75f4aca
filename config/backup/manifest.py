"""What an archive says of itself, in `manifest.json`. Read strictly: the file may come from anywhere."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from projects.errors import ServiceError

FORMAT = "adjudge-backup-1"
NAME = "manifest.json"
# The last member: written when all else is there, and in the form that `sha256sum -c` reads.
SEAL = "manifest.json.sha256"
LONGEST = 256 * 1024 * 1024  # bytes; a file is about 150
DIGEST = re.compile(r"[0-9a-f]{64}")
# Where files go when they are restored. Nothing else may stand in a name.
FILE_NAME = re.compile(r"(?:media|uploads)/[^\x00-\x1f\\]+")


@dataclass(frozen=True)
class Chain:
    """The end of one audit chain, and the first event that does not fit, if any."""

    chain: str
    events: int
    head: str
    broken_at: int | None = None


@dataclass(frozen=True)
class State:
    """What a database holds, as far as a restore can be compared with it."""

    migrations: list[str]
    rows: dict[str, int]
    audit: list[Chain]


@dataclass(frozen=True)
class Member:
    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    adjudge: str
    made_at: str
    kind: str  # sqlite or postgresql
    database_version: str
    database: str  # the member that holds it
    state: State
    members: list[Member] = field(default_factory=list)

    @property
    def files(self) -> list[Member]:
        return [member for member in self.members if member.name != self.database]

    @property
    def size(self) -> int:
        return sum(member.size for member in self.members)

    def to_json(self) -> bytes:
        content = {"format": FORMAT, **asdict(self)}
        return json.dumps(content, ensure_ascii=False, indent=1).encode()


def read(raw: bytes, archive: str) -> Manifest:
    damaged = ServiceError(f"{archive}: its {NAME} is damaged or was not written by Adjudge.")
    try:
        content = json.loads(raw)
        name = content.pop("format")
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise damaged from error
    if name != FORMAT:
        raise ServiceError(f"{archive}: the archive has the format {name!r}. Accepted: {FORMAT!r}.")
    try:
        return _manifest(content, archive)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise damaged from error


def _manifest(content: dict[str, Any], archive: str) -> Manifest:
    state = content["state"]
    manifest = Manifest(
        adjudge=_text(content["adjudge"]),
        made_at=_text(content["made_at"]),
        kind=_text(content["kind"]),
        database_version=_text(content["database_version"]),
        database=_text(content["database"]),
        state=State(
            migrations=[_text(name) for name in state["migrations"]],
            rows={_text(table): _count(number) for table, number in state["rows"].items()},
            audit=[
                Chain(
                    _text(each["chain"]),
                    _count(each["events"]),
                    _text(each["head"]),
                    each["broken_at"] if each["broken_at"] is None else _count(each["broken_at"]),
                )
                for each in state["audit"]
            ],
        ),
        members=[
            Member(_text(each["name"]), _count(each["size"]), _digest(each["sha256"])) for each in content["members"]
        ],
    )
    names = [member.name for member in manifest.members]
    if manifest.database not in names or len(set(names)) != len(names):
        raise ValueError("the database is not listed, or a member is listed twice")
    for member in manifest.files:
        if not is_safe(member.name):
            raise ServiceError(
                f"{archive}: it holds the name {member.name!r}, which is not a file under media/ or uploads/. "
                "The archive was not written by Adjudge."
            )
    return manifest


def is_safe(name: str) -> bool:
    """A plain path under media/ or uploads/, which leads nowhere else."""
    parts = name.split("/")
    return FILE_NAME.fullmatch(name) is not None and not {"", ".", ".."} & set(parts)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(value)
    return value


def _digest(value: Any) -> str:
    if not DIGEST.fullmatch(_text(value)):
        raise ValueError(value)
    return str(value)

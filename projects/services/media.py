"""Images and sounds come in: each is told by its content, written anew without what it says of its origin, and kept
under a random name. What was wrong with a file is said; the others are taken."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext

from projects import audit
from projects.errors import Conflict, ServiceError
from projects.importers import bundle, limits
from projects.importers.archive import is_archive
from projects.importers.records import ImportFileError
from projects.media_files import ACCEPTED, MAX_SOUND_BYTES, Cleaned, MediaRefused, clean
from projects.models import ImportBatch, ItemRevision, Media, MediaName, OutputRevision, Project
from projects.models.media import new_public_name
from projects.rendering import render_output, render_prompt
from projects.rendering.references import IMAGES, MARK, SOUNDS, kind_of, local_name
from projects.services.import_html import sources_of

MAX_FILES = 2_000  # at once
BATCH = 500


@dataclass(frozen=True, slots=True)
class File:
    """One file to take: the path it came under, and how to read it."""

    name: str
    read: Callable[[], bytes]


@dataclass(slots=True)
class MediaResult:
    added: int = 0
    known: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)  # name, why


def files_of_upload(stream: BinaryIO, name: str) -> Iterator[File]:
    """The file itself; of a ZIP archive the images and sounds in it."""
    head = stream.read(8)
    stream.seek(0)
    if not is_archive(head):
        yield File(name, lambda: stream.read(MAX_SOUND_BYTES + 1))
        return
    try:
        members = bundle.members_of_archive(stream, name)
    except ImportFileError as error:
        raise ServiceError(str(error), field="uploads") from error
    found = list(media_members(members, name))
    if not found:
        raise ServiceError(
            gettext("%(name)s: there is no image and no sound in this archive. %(accepted)s")
            % {"name": name, "accepted": gettext(ACCEPTED)},
            field="uploads",
        )
    yield from found


def media_members(members: Iterable[bundle.Member], name: str) -> Iterator[File]:
    """Those of an archive or a folder that their names call images or sounds; their paths begin within it."""
    for member in members:
        if kind_of(member.name):
            yield File(member.name.removeprefix(f"{name}/"), lambda member=member: _of_member(member))  # type: ignore[misc]


def _of_member(member: bundle.Member) -> bytes:
    try:
        return limits.read_all(member.stream, member.name)
    except ImportFileError as error:
        raise MediaRefused(str(error)) from error
    finally:
        member.close()


@dataclass(slots=True)
class Prepared:
    """Files on disk, rows not yet written."""

    result: MediaResult = field(default_factory=MediaResult)
    rows: list[tuple[str, Media]] = field(default_factory=list)  # the path it came under
    stored: list[Media] = field(default_factory=list)  # new ones, whose rows are not there yet

    def forget(self) -> None:
        """Nothing came of it: the files go again."""
        for media in self.stored:
            media.file.delete(save=False)


def media_prepare(*, project: Project, files: Iterable[File], batch: ImportBatch | None = None) -> Prepared:
    """Read, clean and store; nothing is written to the database, so a file may be slow."""
    prepared = Prepared()
    names = dict(MediaName.objects.filter(project=project).values_list("name", "media__digest"))
    by_digest: dict[str, Media] = {}
    try:
        for count, each in enumerate(files, start=1):
            if count > MAX_FILES:
                raise ServiceError(
                    gettext("At most %(most)s files are taken at once. Send the others after.")
                    % {"most": f"{MAX_FILES:,}"},
                    field="uploads",
                )
            _prepare(project, each, batch, prepared, names, by_digest)
    except BaseException:
        prepared.forget()
        raise
    return prepared


def _prepare(
    project: Project,
    each: File,
    batch: ImportBatch | None,
    prepared: Prepared,
    names: dict[str, str],
    by_digest: dict[str, Media],
) -> None:
    name = local_name(each.name)
    if not name:
        prepared.result.refused.append(
            (each.name, gettext("The name does not end like an image or a sound.") + " " + gettext(ACCEPTED))
        )
        return
    try:
        data = each.read()
        digest = hashlib.sha256(data).hexdigest()
        if names.get(name, digest) != digest:
            raise MediaRefused(
                "Another file came under this name before, and raters may have seen it. Give this one another name, or "
                "replace that one on its page."
            )
        if name in names:
            prepared.result.known += 1
            return
        media = by_digest.get(digest) or Media.objects.filter(project=project, digest=digest).first()
        if media is None:
            media = _stored(project, name, clean(data), digest, batch)
            prepared.stored.append(media)
    except MediaRefused as error:
        prepared.result.refused.append((each.name, str(error)))
        return
    by_digest[digest] = media
    names[name] = digest
    prepared.rows.append((name, media))


def _stored(project: Project, name: str, cleaned: Cleaned, digest: str, batch: ImportBatch | None) -> Media:
    media = Media(
        project=project,
        digest=digest,
        content_type=cleaned.content_type,
        size=len(cleaned.data),
        width=cleaned.width,
        height=cleaned.height,
        original_name=name,
        batch=batch,
    )
    media.file.save(new_public_name(), ContentFile(cleaned.data), save=False)
    return media


def media_write(*, project: Project, prepared: Prepared, actor: Any) -> MediaResult:
    """The rows, within the caller's transaction."""
    for media in prepared.stored:
        media.save(force_insert=True)
    for name, media in prepared.rows:
        MediaName.objects.create(project=project, name=name, base=name.rpartition("/")[2], media=media)
    prepared.result.added = len(prepared.rows)
    if prepared.rows:
        payload = {"files": len(prepared.stored), "names": len(prepared.rows)}
        audit.record(project=project, actor=actor, verb="media.add", target=f"project:{project.pk}", payload=payload)
    return prepared.result


def media_add(*, project: Project, files: Iterable[File], actor: Any) -> MediaResult:
    """Take files that were uploaded. What is there already changes nothing."""
    prepared = media_prepare(project=project, files=files)
    try:
        with transaction.atomic():
            result = media_write(project=project, prepared=prepared, actor=actor)
    except IntegrityError as error:
        prepared.forget()
        raise Conflict(
            gettext("Somebody else sent the same files just now. Load the page and look what is there.")
        ) from error
    except BaseException:
        prepared.forget()
        raise
    if result.added:
        refresh(project)
    return result


@transaction.atomic
def media_remove(*, media: Media, actor: Any) -> None:
    """The file goes for good, with every name it came under: texts show their own words in its place."""
    row = _locked(media)
    payload = {"digest": row.digest}
    audit.record(project=row.project, actor=actor, verb="media.remove", target=f"media:{row.pk}", payload=payload)
    _drop(row)


def media_replace(*, media: Media, upload: File, actor: Any) -> Media:
    """Another file under the same names, for all who look from now on."""
    try:
        data = upload.read()
        cleaned = clean(data)
    except MediaRefused as error:
        raise ServiceError(str(error), field="uploads") from error
    if cleaned.content_type.partition("/")[0] != media.content_type.partition("/")[0]:
        raise ServiceError(
            gettext("An image takes the place of an image, and a sound that of a sound."), field="uploads"
        )
    digest = hashlib.sha256(data).hexdigest()
    if digest == media.digest:
        raise ServiceError(gettext("This is the same file, so nothing was changed."), field="uploads")
    new = Media.objects.filter(project=media.project_id, digest=digest).first()
    stored = None if new else _stored(media.project, media.original_name, cleaned, digest, media.batch)
    try:
        return _replaced(media, new or stored, actor)  # type: ignore[arg-type]
    except BaseException:
        if stored is not None:
            stored.file.delete(save=False)
        raise


@transaction.atomic
def _replaced(media: Media, new: Media, actor: Any) -> Media:
    row = _locked(media)
    if new._state.adding:
        new.save(force_insert=True)
    row.names.update(media=new)
    payload = {"before": row.digest, "after": new.digest}
    audit.record(project=row.project, actor=actor, verb="media.replace", target=f"media:{row.pk}", payload=payload)
    _drop(row)
    return new


def _locked(media: Media) -> Media:
    row = Media.objects.select_for_update(of=("self",)).select_related("project").filter(pk=media.pk).first()
    if row is None:
        raise Conflict(gettext("Somebody else removed or replaced this file just now, so nothing was changed."))
    return row


def _drop(row: Media) -> None:
    """The row, and its file once that is sure."""
    row.delete()
    transaction.on_commit(lambda: row.file.delete(save=False))


def refresh(project: Project) -> None:
    """Texts that came before this version knew of files have no place for them: they are rendered again. What was
    judged is not touched: a digest is of the text."""
    in_words = Q(html__contains="[image") | Q(html__contains="[sound")
    for ending in sorted(IMAGES | SOUNDS):
        in_words |= Q(text__iendswith=f".{ending}")
    outputs = OutputRevision.objects.filter(in_words, output__item__project=project, current=True)
    _rendered_again(outputs, lambda row: render_output(row.text, row.messages))
    items = ItemRevision.objects.filter(item__project=project, current=True, html__contains="[image")
    _rendered_again(items, lambda row: render_prompt(row.messages, sources_of(row.context)))


def _rendered_again(rows: Any, render: Callable[[Any], str]) -> None:
    old = rows.exclude(html__contains=MARK)
    changed = []
    for row in old.iterator(chunk_size=BATCH):
        html = render(row)
        if html != row.html:
            row.html = html
            changed.append(row)
    if changed:
        rows.model.objects.bulk_update(changed, ["html"], batch_size=BATCH)

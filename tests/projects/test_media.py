"""Images and sounds: what is taken, what is taken out of them, and what a text shows of them."""

from __future__ import annotations

import io
import json
import struct
import wave
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, TestCase
from django.urls import reverse
from PIL import Image, PngImagePlugin

from annotation import claims
from annotation.exporters.tables import output_rows
from annotation.models import Round
from annotation.services.leak_scan import scan
from annotation.services.rounds import round_close
from annotation.services.seats import seat_for
from projects import media_files
from projects.importers import bundle
from projects.media_files import MediaRefused, clean
from projects.models import AuditEvent, Media, MediaName, Output, Project
from projects.rendering import render_output
from projects.rendering.references import IMAGES, SOUNDS, local_name, match
from projects.services.importing import Upload, import_files
from projects.services.media import File, media_add
from tests.annotation.round_pages import as_, text
from tests.factories import member, project_factory, round_factory

MARK = b"Imagon XL 9"


def png(colour: str = "red", size: tuple[int, int] = (40, 30)) -> bytes:
    told, out = PngImagePlugin.PngInfo(), io.BytesIO()
    told.add_text("Software", MARK.decode())
    Image.new("RGB", size, colour).save(out, "PNG", pnginfo=told)
    return out.getvalue()


def jpeg(**extra: Any) -> bytes:
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x0131], exif[0x0112] = MARK.decode(), 6
    Image.new("RGB", (40, 30), "blue").save(out, "JPEG", exif=exif, comment=MARK, **extra)
    return out.getvalue()


def webp() -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (40, 30), "green").save(out, "WEBP", xmp=MARK, lossless=True)
    return out.getvalue()


def gif(frames: int = 1) -> bytes:
    out = io.BytesIO()
    pictures = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "green")[:frames]]
    pictures[0].save(out, "GIF", comment=MARK, save_all=frames > 1, append_images=pictures[1:])
    return out.getvalue()


def wav() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\1" * 800)
    body = out.getvalue()[8:] + b"LIST" + struct.pack("<I", 8 + len(MARK) + 1) + b"INFOISFT" + MARK + b"\0"
    return b"RIFF" + struct.pack("<I", len(body)) + body


def flac() -> bytes:
    """A FLAC without a frame: its stream's facts, and a comment that names the program twice."""
    facts = struct.pack(">HH", 4096, 4096) + b"\0" * 6 + ((44100 << 44) | (15 << 36)).to_bytes(8, "big") + b"\0" * 16
    comment = b"ENCODER=" + MARK
    said = struct.pack("<I", len(MARK)) + MARK + struct.pack("<II", 1, len(comment)) + comment
    return b"fLaC\0" + len(facts).to_bytes(3, "big") + facts + b"\x84" + len(said).to_bytes(3, "big") + said


def box(name: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + name + body


def m4a(kind: bytes = b"soun", codec: bytes = b"mp4a", *, more: bytes = b"") -> bytes:
    """One sound without a sample table, with the program's name in every place that one is written to."""
    dated = b"\0" * 4 + MARK[:8]
    handler = box(b"hdlr", b"\0" * 8 + kind + b"\0" * 12 + MARK + b"\0")
    table = box(b"stbl", box(b"stsd", b"\0" * 4 + b"\0\0\0\1" + box(codec, b"\0" * 28)), box(b"uuid", MARK))
    media = box(b"mdia", box(b"mdhd", dated + b"\0" * 12), handler, box(b"minf", box(b"smhd", b"\0" * 8), table))
    track = box(b"trak", box(b"tkhd", dated + b"\0" * 72), media, box(b"udta", MARK))
    movie = box(b"moov", box(b"mvhd", dated + b"\0" * 88), track, box(b"udta", box(b"meta", b"\0" * 4 + MARK)))
    return box(b"ftyp", b"M4A \0\0\2\0") + movie + box(b"free", MARK) + more + box(b"mdat", b"\x21Lavc61.3.100\0" * 3)


@pytest.mark.parametrize(
    ("data", "content_type", "size"),
    [
        (png(), "image/png", (40, 30)),
        (jpeg(), "image/jpeg", (30, 40)),  # turned as its EXIF says
        (webp(), "image/webp", (40, 30)),
        (gif(), "image/png", (40, 30)),
        (wav(), "audio/wav", (None, None)),
        (flac(), "audio/flac", (None, None)),
        (m4a(), "audio/mp4", (None, None)),
    ],
    ids=["png", "jpeg", "webp", "gif", "wav", "flac", "m4a"],
)
def test_a_file_loses_what_it_says_of_its_origin(data: bytes, content_type: str, size: tuple[int, int]) -> None:
    assert MARK in data
    cleaned = clean(data)
    assert MARK not in cleaned.data
    assert (cleaned.content_type, (cleaned.width, cleaned.height)) == (content_type, size)
    assert clean(cleaned.data).content_type == content_type  # it is still such a file


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "no image and no sound"),
        (b"<!doctype html><script>alert(1)</script>", "no image and no sound"),
        (b"", "no image and no sound"),
        (png()[:60], "damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 50, "damaged"),
        (b"OggS" + b"x" * 50, "no image and no sound"),
        (b"RIFF\x08\0\0\0WAVExxxx", "without its format"),
        (gif(3), "moves"),
        (m4a(b"vide"), "no film"),
        (m4a(codec=b"drms"), "neither AAC"),
        (m4a(more=box(b"moof", b"x")), "in pieces"),
        (m4a()[:-5], "cut off"),
        (b"\0\0\0\x18ftypM4A " + b"\xff" * 40, "cut off"),
    ],
)
def test_what_is_no_image_or_sound_is_refused_whatever_it_is_called(data: bytes, why: str) -> None:
    with pytest.raises(MediaRefused, match=why):
        clean(data)


def test_a_sound_in_mp4_keeps_every_sample_in_its_place() -> None:
    data = m4a()
    cleaned = clean(data).data
    assert len(cleaned) == len(data)
    assert MARK[:8] not in cleaned, "neither in names nor in dates"
    assert b"Lavc" not in cleaned
    assert cleaned.index(b"mdat") == data.index(b"mdat")
    assert cleaned.count(b"free") == 4


def test_an_image_of_too_many_pixels_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_files, "MAX_PIXELS", 1000)
    with pytest.raises(MediaRefused, match="40 by 30 pixels"):
        clean(png())


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("./pictures/a%20b.PNG", "pictures/a b.PNG"),
        ("..\\out\\1.webp", "out/1.webp"),
        ("https://example.org/a.png", ""),
        ("//example.org/a.png", ""),
        ("data:image/png;base64,x", ""),
        ("javascript:a.png", ""),
        ("a.svg", ""),
        ("a.png\nb.png", ""),
    ],
)
def test_only_a_name_of_a_file_beside_the_text_stands_for_one(address: str, name: str) -> None:
    assert local_name(address) == name


def test_an_import_and_a_text_mean_the_same_files() -> None:
    assert bundle.MEDIA == IMAGES | SOUNDS


def test_a_name_stands_for_the_path_itself_or_the_only_one_that_ends_so() -> None:
    files = {"run/a/1.png": 1, "run/b/1.png": 2}
    assert match("run/a/1.png", files) == 1
    assert match("b/1.png", files) == 2
    assert match("1.png", files) is None  # either
    assert match("/home/me/run/a/1.png".lstrip("/"), files) == 1


# --- In a project -------------------------------------------------------------------------------------------
@pytest.fixture
def project(db: None) -> Project:
    return project_factory("Pictures")


def table(*rows: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


ROWS = table(
    {"item": "kite", "prompt": "Draw ![a sketch](in/sketch.png)", "system": "imagon-9", "output": "out/imagon-9/k.png"},
    {"item": "kite", "system": "petrel-2", "output": "Here: ![a kite](out/petrel-2/k.png)"},
)


def archive(**files: bytes) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as found:
        for name, data in {"run/rows.jsonl": ROWS, **files}.items():
            found.writestr(name, data)
    out.seek(0)
    return out


FILES = {
    "run/in/sketch.png": png("white"),
    "run/out/imagon-9/k.png": png("red"),
    "run/out/petrel-2/k.png": png("blue", (400, 300)),
}


def imported(project: Project) -> None:
    import_files(project=project, uploads=[Upload(archive(**FILES), "run.zip")])


def compared(project: Project) -> tuple[Client, str]:
    """A rater before the pair, and the page."""
    round = round_factory(project, mode="compare", overlap=1, items=0, systems=0)
    rater = member(project, "rater")
    client = as_(rater)
    return client, text(client.get(reverse("annotation:rate", args=[round.public_id])))


def addresses(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('<img class="media" src="')[1:]]


def test_files_come_with_an_import_once_and_are_shown_without_their_names(project: Project) -> None:
    imported(project)
    assert (Media.objects.count(), MediaName.objects.count()) == (3, 3)
    imported(project)
    assert Media.objects.count() == 3
    client, page = compared(project)
    found = addresses(page)
    assert len(set(found)) == 3
    assert 'alt="a sketch" width="40" height="30"' in page
    for telling in ("imagon", "petrel", "k.png", "sketch.png", *Media.objects.values_list("public_name", flat=True)):
        assert telling not in page, telling
    sent = client.get(found[1])
    body = b"".join(sent.streaming_content)  # type: ignore[attr-defined]
    assert MARK not in body
    assert (sent["Content-Type"], sent["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert sent["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert sent["Cache-Control"] == "no-store"
    assert "Last-Modified" not in sent
    part = client.get(found[1], headers={"Range": "bytes=4-7"})
    assert part.status_code == 206
    assert b"".join(part.streaming_content) == body[4:8]  # type: ignore[attr-defined]
    assert part["Content-Range"] == f"bytes 4-7/{len(body)}"
    assert client.get(found[1], headers={"Range": f"bytes={len(body)}-"}).status_code == 416
    assert client.get(found[0].replace("/1/", "/4/")).status_code == 404


def test_nobody_gets_a_file_but_who_has_the_task_before_them(project: Project) -> None:
    imported(project)
    client, page = compared(project)
    own = addresses(page)[0]
    other = member(project, "rater")
    assert as_(other).get(own).status_code == 404
    name = Media.objects.values_list("public_name", flat=True)[0]
    lead_address = reverse("projects:media_file", args=[project.slug, name])
    assert client.get(lead_address).status_code == 404
    assert as_(member(project, "lead")).get(lead_address).getvalue().startswith(b"\x89PNG")
    elsewhere = project_factory("Other")
    assert as_(member(elsewhere, "lead")).get(lead_address).status_code == 404
    swapped = reverse("projects:media_file", args=[elsewhere.slug, name])
    assert as_(member(elsewhere, "lead")).get(swapped).status_code == 404


def test_names_of_files_that_are_shown_are_no_leak_and_others_are(project: Project) -> None:
    imported(project)
    round = round_factory(project, mode="compare", overlap=1, items=0, systems=0, opened=False)
    assert scan(round).open == 0
    MediaName.objects.filter(name__contains="petrel").delete()
    assert {each.term.text for each in scan(round).found} == {"petrel-2"}


def test_files_are_added_by_hand_and_what_is_wrong_with_one_is_said(project: Project) -> None:
    page = as_(member(project, "lead"))
    url = reverse("projects:media", args=[project.slug])
    with zipfile.ZipFile(out := io.BytesIO(), "w") as found:
        found.writestr("a/1.png", png())
        found.writestr("a/2.png", b"<svg/>")
        found.writestr("a/notes.txt", b"x")
    sent = [SimpleUploadedFile("set.zip", out.getvalue()), SimpleUploadedFile("b.wav", wav())]
    said = text(page.post(url, {"uploads": sent}, follow=True))
    assert "2 files were added." in said
    assert "a/2.png was left out. This is no image and no sound" in said
    assert AuditEvent.objects.filter(verb="media.add").count() == 1
    again = text(page.post(url, {"uploads": [SimpleUploadedFile("b.wav", wav())]}, follow=True))
    assert "1 file was there already" in again
    other = text(page.post(url, {"uploads": [SimpleUploadedFile("b.wav", wav()[:-40])]}, follow=True))
    assert "Another file came under this name before" in other
    assert page.post(url, {}).status_code == 422
    empty = page.post(url, {"uploads": [SimpleUploadedFile("none.zip", archive().getvalue())]})
    assert "there is no image and no sound in this archive" in text(empty)


def test_a_file_is_replaced_or_removed_once_it_is_said_what_shows_it(project: Project) -> None:
    imported(project)
    rater, page = compared(project)
    lead, kite = as_(member(project, "lead")), Media.objects.get(names__name__contains="petrel")
    address = reverse("annotation:media_change", args=[project.slug, kite.public_name])
    shown = text(lead.get(address))
    assert "0 prompts, 1 answer. Items:" in shown
    assert "(open): 0 judgments" in shown

    def send(media: Media, **fields: Any) -> str:
        url = reverse("annotation:media_change", args=[project.slug, media.public_name])
        return text(lead.post(url, fields, follow=True))

    assert "which may tell which system" in send(kite, act="remove")
    assert "Choose the file" in send(kite)
    assert "that of a sound" in send(kite, uploads=SimpleUploadedFile("k.wav", wav()))
    assert "is damaged" in send(kite, uploads=SimpleUploadedFile("k.png", png()[:60]))
    assert "the same file" in send(kite, uploads=SimpleUploadedFile("k.png", FILES["run/out/petrel-2/k.png"]))
    before = Path(kite.file.path)
    assert before.exists()
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert "is replaced" in send(kite, uploads=SimpleUploadedFile("new.png", png("green", (400, 300))))
    new = MediaName.objects.get(name="run/out/petrel-2/k.png").media
    assert (Media.objects.count(), new.digest != kite.digest, before.exists()) == (3, True, False)
    assert Path(new.file.path).exists()
    assert len(addresses(text(rater.get(reverse("annotation:rate", args=[Round.objects.get().public_id]))))) == 3
    round_close(round=Round.objects.get(), actor=None)
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert "is removed" in send(new, act="remove")
    assert not MediaName.objects.filter(name__contains="petrel").exists()
    assert not Path(new.file.path).exists()
    assert AuditEvent.objects.filter(verb__in=["media.replace", "media.remove"]).count() == 2


def test_a_text_names_what_is_missing_until_it_comes(project: Project) -> None:
    import_files(project=project, uploads=[Upload(io.BytesIO(ROWS), "rows.jsonl")])
    client, url = as_(member(project, "lead")), reverse("projects:media", args=[project.slug])
    assert "in/sketch.png, out/imagon-9/k.png, out/petrel-2/k.png" in text(client.get(url))
    _, page = compared(project)
    assert addresses(page) == []
    assert "[image: a sketch]" in page
    media_add(project=project, files=[File(name, lambda name=name: FILES[name]) for name in FILES], actor=None)  # type: ignore[misc]
    assert "that are not here" not in text(client.get(url))
    assert len(addresses(compared(project)[1])) == 3


def test_an_import_that_fails_leaves_no_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_: Any) -> None:
        raise RuntimeError("stopped")

    def kept() -> set[Path]:
        return {path for path in Path(default_storage.path("media")).rglob("*") if path.is_file()}

    before = kept()
    monkeypatch.setattr("projects.services.importing.media_write", fails)
    with pytest.raises(RuntimeError):
        imported(project)
    assert not Media.objects.exists()
    assert not Output.objects.exists()
    assert kept() == before


def test_an_export_has_the_digests_of_what_was_shown(project: Project) -> None:
    imported(project)
    round = round_factory(project, mode="compare", overlap=1, items=0, systems=0)
    claims.claim(seat_for(round=round, user=member(project, "rater")).pk)
    digests = {next(iter(json.loads(str(row[-1])).values())) for row in output_rows(round)}
    assert digests == set(Media.objects.filter(names__name__contains="k.png").values_list("digest", flat=True))


def test_a_text_that_is_a_file_name_is_shown_as_the_file() -> None:
    assert '<data value="out/1.png">' in render_output("out/1.png")
    assert "<data" not in render_output("See out/1.png for it.")
    assert "<data" not in render_output('<data value="a.png">x</data>')

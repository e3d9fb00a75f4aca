"""An uploaded image or sound, told by its content and written anew without what it says of its origin. Pure: no Django.

What a file carries beside its picture or its sound (EXIF, XMP, text chunks, tags, names of encoders) often names the
program that made it, and so the system that is judged.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop

from projects.media_m4a import NoM4a, cleaned_m4a, is_mp4

MAX_IMAGE_BYTES = 20 * 1024 * 1024
MAX_SOUND_BYTES = 50 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_SIDE = 16_000
ACCEPTED = gettext_noop(
    "Accepted: PNG, JPEG, WebP and GIF images that do not move; WAV, MP3, M4A, FLAC and Ogg sounds."
)

_IMAGE_HEADS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
_IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_ENCODERS = re.compile(rb"(?:LAME|Lavc|Lavf|GOGO|Gogo|iTunes|FhG)[ -~]{0,16}")
_LAME_FILL = re.compile(rb"LAME3\.[0-9]{1,3}(?:\.[0-9])?")
_ORIENTATION = 0x0112
_WAV_CHUNKS = {b"fmt ", b"data", b"fact"}


class MediaRefused(ValueError):
    """A file that is not taken, with a full sentence why."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    data: bytes
    content_type: str
    width: int | None = None
    height: int | None = None


def clean(data: bytes) -> Cleaned:
    """The file written anew. The name and what the sender called its type do not count."""
    if data.startswith(_IMAGE_HEADS) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return _image(data)
    if len(data) > MAX_SOUND_BYTES:
        raise MediaRefused(f"The file is larger than {_mib(MAX_SOUND_BYTES)}, the most accepted for a sound.")
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return Cleaned(_wav(data), "audio/wav")
    if is_mp4(data):
        return _m4a(data)
    return _tagged_sound(data)


def _mib(size: int) -> str:
    return f"{size // (1024 * 1024)} MiB"


# -- images -----------------------------------------------------------------------------------------------


def _image(data: bytes) -> Cleaned:
    from PIL import Image  # large: loaded where an image comes

    if len(data) > MAX_IMAGE_BYTES:
        raise MediaRefused(f"The image is larger than {_mib(MAX_IMAGE_BYTES)}, the most accepted.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own bounds are below Pillow's
            with Image.open(io.BytesIO(data), formats=_IMAGE_FORMATS) as found:
                _check(found)
                found.load()
                return _written(found, data)
    except MediaRefused:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise MediaRefused("The image is damaged, so it cannot be shown.") from error


def _check(image: Any) -> None:
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
        raise MediaRefused(
            f"The image is {image.width:,} by {image.height:,} pixels; accepted are {MAX_PIXELS // 1_000_000} million "
            f"pixels and {MAX_SIDE:,} a side at most."
        )
    if getattr(image, "n_frames", 1) > 1:
        raise MediaRefused("The image moves; accepted are images that do not.")


def _written(image: Any, data: bytes) -> Cleaned:
    """Upright, in the colours browsers assume, and with nothing else in the file. A JPEG that needs no turning keeps
    its own quantisation, so that it loses nothing."""
    kind, (turned, changed) = image.format, _upright(image)
    upright, recoloured = _plain_colours(turned, image.info.get("icc_profile"))
    out = io.BytesIO()
    if kind == "JPEG":
        if not changed and not recoloured:
            # `keep` reads the tables of the image as it was opened.
            image.info = {}
            image.save(out, "JPEG", quality="keep", subsampling="keep", exif=b"", icc_profile=None)
        else:
            upright.info = {}
            upright.save(out, "JPEG", quality=95, subsampling=0)
    elif kind == "WEBP":
        upright.info = {}
        upright.save(out, "WEBP", lossless=b"VP8L" in data[:64], quality=95, exif=b"", xmp=b"", icc_profile=None)
    else:
        if upright.mode in ("P", "PA") or "transparency" in upright.info:
            upright = upright.convert("RGBA")
        upright.info = {}
        upright.save(out, "PNG")
        kind = "PNG"
    return Cleaned(out.getvalue(), f"image/{kind.lower()}", *upright.size)


def _upright(image: Any) -> tuple[Any, bool]:
    """Turned as its EXIF says. EXIF that cannot be read says nothing, and goes with the rest."""
    from PIL import ImageOps

    try:
        if image.getexif().get(_ORIENTATION, 1) == 1:
            return image, False
        return ImageOps.exif_transpose(image), True
    except (SyntaxError, ValueError, TypeError, KeyError, OSError, struct.error):
        return image, False


def _plain_colours(image: Any, profile: bytes | None) -> tuple[Any, bool]:
    """In sRGB where the file has a profile of its own, whose description is words too."""
    if image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        return image.convert("RGB"), True
    if not profile or image.mode not in ("RGB", "RGBA"):
        return image, False
    from PIL import ImageCms

    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        told = ImageCms.getProfileDescription(own)
        if "srgb" in told.lower():
            return image, False
        return ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB")), True
    except (ImageCms.PyCMSError, OSError):
        return image, False


# -- sounds -----------------------------------------------------------------------------------------------


def _wav(data: bytes) -> bytes:
    """Only the chunks that are the sound: comments, software and cue points go."""
    kept, at, end = [], 12, len(data)
    while at + 8 <= end:
        name, size = data[at : at + 4], struct.unpack("<I", data[at + 4 : at + 8])[0]
        body = data[at + 8 : at + 8 + size]
        if name in _WAV_CHUNKS:
            kept.append(name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2))
        at += 8 + size + size % 2
    names = [chunk[:4] for chunk in kept]
    if b"fmt " not in names or b"data" not in names:
        raise MediaRefused("The sound is damaged: a WAV file without its format or its samples.")
    body = b"WAVE" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _m4a(data: bytes) -> Cleaned:
    try:
        cleaned = cleaned_m4a(data)
    except NoM4a as error:
        raise MediaRefused(str(error)) from error
    # The encoder writes its name within the first samples too.
    at = cleaned.index(b"mdat")
    head = _ENCODERS.sub(lambda m: b"\0" * len(m[0]), cleaned[at : at + 4096])
    return Cleaned(cleaned[:at] + head + cleaned[at + 4096 :], "audio/mp4")


def _tagged_sound(data: bytes) -> Cleaned:
    import mutagen
    from mutagen.flac import FLAC
    from mutagen.mp3 import MP3
    from mutagen.oggopus import OggOpus
    from mutagen.oggvorbis import OggVorbis

    kinds = {FLAC: "audio/flac", MP3: "audio/mpeg", OggOpus: "audio/ogg", OggVorbis: "audio/ogg"}
    stream = io.BytesIO(data)
    try:
        found = mutagen.File(stream, options=list(kinds))
        if found is None or not data.startswith((b"fLaC", b"OggS", b"ID3", b"\xff")):
            raise MediaRefused(f"This is no image and no sound that is known here. {ACCEPTED}")
        stream.seek(0)
        cleaned = _mp3(found, stream) if isinstance(found, MP3) else _commented(found, stream)
    except mutagen.MutagenError as error:
        raise MediaRefused("The sound is damaged, so it cannot be played.") from error
    return Cleaned(cleaned, kinds[type(found)])


def _mp3(found: Any, stream: io.BytesIO) -> bytes:
    """Without tags of either kind; the encoder's name, which stands within the frames, is blotted out."""
    from mutagen.apev2 import delete as delete_ape

    found.delete(stream)
    stream.seek(0)
    delete_ape(stream)
    data = stream.getvalue()
    head = _ENCODERS.sub(lambda m: b"\0" * len(m[0]), data[:4096])
    return head + _LAME_FILL.sub(lambda m: b"\0" * len(m[0]), data[4096:])


def _commented(found: Any, stream: io.BytesIO) -> bytes:
    """FLAC and Ogg: no comments, no pictures, and no name of the library that wrote them."""
    if found.tags is None:
        found.add_tags()
    found.tags.clear()
    found.tags.vendor = ""
    if hasattr(found, "clear_pictures"):
        found.clear_pictures()
    found.save(stream, padding=lambda _: 0)
    return stream.getvalue()

"""Names of images and sounds in texts, which stand for files that were uploaded. Pure.

A rendered fragment keeps such a name in a mark of its own, around the words that are shown while there is no such file.
Whoever shows the fragment puts the file in place of the mark (`place`); the name itself then reaches nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape, unescape
from typing import Literal
from urllib.parse import unquote

IMAGES = frozenset({"png", "jpg", "jpeg", "webp", "gif"})
SOUNDS = frozenset({"wav", "mp3", "m4a", "flac", "ogg", "oga", "opus"})
MARK = "<data value="
MAX_NAME = 300

Kind = Literal["image", "sound"]

_ENDINGS = "|".join(sorted(IMAGES | SOUNDS))
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:|//")
_MARKED = re.compile(r'<data value="([^"<>]*)">(.*?)</data>', re.DOTALL)
_ALT = re.compile(r"\[(?:image|sound): (.*?)\]", re.DOTALL)
_WRITTEN = re.compile(rf"[^\s()<>\"'\[\]{{}}|]{{1,{MAX_NAME}}}\.(?:{_ENDINGS})(?![\w.])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Placed:
    """A file in the place of its name: where the browser gets it, and how large an image is."""

    address: str
    kind: Kind
    width: int | None = None
    height: int | None = None


def kind_of(name: str) -> Kind | None:
    ending = name.rpartition(".")[2].lower()
    return "image" if ending in IMAGES else "sound" if ending in SOUNDS else None


def local_name(address: str) -> str:
    """The name of an uploaded file that an address may stand for: “./pictures/a%20b.png” is “pictures/a b.png”. Empty
    for an address elsewhere, and for any other kind of file."""
    address = unquote(address.strip()).replace("\\", "/")
    if not 0 < len(address) <= MAX_NAME or _SCHEME.match(address) or not address.isprintable():
        return ""
    name = "/".join(part for part in address.split("/") if part not in ("", ".", ".."))
    return name if kind_of(name) else ""


def whole_name(text: str) -> str:
    """The same of a text that is nothing but a file's name, as an image model's outputs are written down."""
    stripped = text.strip()
    return "" if "\n" in stripped else local_name(stripped)


def marked(name: str, shown: str) -> str:
    """`shown`, our own safe HTML, with the name that a file may take the place of."""
    return f'<data value="{escape(name, quote=True)}">{shown}</data>'


def names_in(html: str) -> list[str]:
    """The names a fragment has places for, in order."""
    return [unescape(found) for found, _ in _MARKED.findall(html)] if MARK in html else []


def names_written(text: str) -> list[str]:
    """The names in a raw text, as far as they have no spaces; of a text that is nothing but a name, that."""
    if whole := whole_name(text):
        return [whole]
    return [name for written in _WRITTEN.findall(text) if (name := local_name(written))]


def hidden(text: str, known: Iterable[str]) -> str:
    """A raw text without the names of files that are shown: they are no part of what is judged, and may tell."""
    known = set(known)
    if not known:
        return text
    if (whole := whole_name(text)) in known:
        return kind_of(whole) or ""
    return _WRITTEN.sub(lambda m: (kind_of(m[0]) or m[0]) if local_name(m[0]) in known else m[0], text)


def place(html: str, file_of: Callable[[str], Placed | None]) -> str:
    """The fragment with every file that is there in its place. What has none is shown in words, as before."""

    def put(found: re.Match[str]) -> str:
        placed = file_of(unescape(found[1]))
        if placed is None:
            return found[2]
        alt = _ALT.search(found[2])
        return _element(placed, unescape(alt[1]).strip() if alt else "")

    return _MARKED.sub(put, html) if MARK in html else html


def _element(placed: Placed, alt: str) -> str:
    src = escape(placed.address, quote=True)
    if placed.kind == "sound":
        label = escape(alt or "Sound", quote=True)
        return f'<audio class="media" controls preload="metadata" src="{src}" aria-label="{label}"></audio>'
    words = escape(alt or "Image without a description", quote=True)
    size = f' width="{placed.width}" height="{placed.height}"' if placed.width and placed.height else ""
    return f'<img class="media" src="{src}" alt="{words}"{size}>'


def match(name: str, files: Mapping[str, int]) -> int | None:
    """Which of `files` (by the path each came under) a name stands for: that very path, else the only one that ends
    with the name, or that the name ends with."""
    if name in files:
        return files[name]
    ends = {pk for path, pk in files.items() if path.endswith(f"/{name}") or name.endswith(f"/{path}")}
    return ends.pop() if len(ends) == 1 else None

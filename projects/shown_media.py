"""Uploaded images and sounds in the place of their names, in fragments of HTML and in raw texts. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from projects.models import Media, MediaName
from projects.rendering.references import Placed, kind_of, match, names_in, place

CHUNK = 500


class Shelf:
    """The files of a project that some names stand for: one query for each 500 names."""

    def __init__(self, project: int, names: Iterable[str]) -> None:
        wanted = list(dict.fromkeys(names))
        self._media: dict[str, Media] = {}
        for start in range(0, len(wanted), CHUNK):
            self._find(project, wanted[start : start + CHUNK])

    def _find(self, project: int, names: list[str]) -> None:
        bases = {name.rpartition("/")[2] for name in names}
        rows = MediaName.objects.filter(project=project, base__in=bases).select_related("media")
        files: dict[str, dict[str, int]] = defaultdict(dict)
        media: dict[int, Media] = {}
        for row in rows:
            files[row.base][row.name] = row.media_id
            media[row.media_id] = row.media
        for name in names:
            found = match(name, files[name.rpartition("/")[2]])
            if found is not None:
                self._media[name] = media[found]

    def get(self, name: str) -> Media | None:
        return self._media.get(name)

    @property
    def names(self) -> set[str]:
        return set(self._media)


class Showing:
    """Fragments with their files in place. `address` is asked with the file and its number, from 1, in the order shown:
    the same file shown twice has two."""

    def __init__(self, project: int, fragments: Iterable[str], address: Callable[[Media, int], str]) -> None:
        self.shelf = Shelf(project, (name for html in fragments for name in names_in(html)))
        self.address = address
        self.shown: list[Media] = []

    def html(self, fragment: str) -> str:
        return place(fragment, self._placed)

    def _placed(self, name: str) -> Placed | None:
        media = self.shelf.get(name)
        if media is None:
            return None
        self.shown.append(media)
        kind = "image" if media.content_type.startswith("image/") else "sound"
        return Placed(self.address(media, len(self.shown)), kind, media.width, media.height)  # type: ignore[arg-type]


def missing_names(fragments: Iterable[str], project: int) -> list[str]:
    """Names in fragments that no file stands for."""
    names = [name for html in fragments for name in names_in(html) if kind_of(name)]
    known = Shelf(project, names).names
    return [name for name in dict.fromkeys(names) if name not in known]

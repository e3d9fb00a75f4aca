"""An uploaded image or sound as a response. Who may have it has been asked already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.core.files.base import File
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from projects.models import Media

CHUNK = 64 * 1024
_RANGE = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")
# Of itself it is no page: whatever a browser takes it for, it loads and runs nothing.
POLICY = "default-src 'none'; sandbox"


def media_response(request: HttpRequest, media: Media) -> HttpResponseBase:
    """All of it, or the one range that a player asks for. No name, no date, no tag: nothing that tells files apart."""
    try:
        stream = media.file.open("rb")
    except FileNotFoundError as error:
        raise Http404("The file is not there any more.") from error
    part = _range(request.headers.get("Range", ""), media.size)
    if part == ():
        stream.close()
        refused = HttpResponse(status=416)
        refused["Content-Range"] = f"bytes */{media.size}"
        return refused
    start, end = part or (0, media.size - 1)
    stream.seek(start)
    status = 206 if part else 200
    response = StreamingHttpResponse(_Piece(stream, end - start + 1), status=status, content_type=media.content_type)
    if part:
        response["Content-Range"] = f"bytes {start}-{end}/{media.size}"
    response["Content-Length"] = str(end - start + 1)
    response["Accept-Ranges"] = "bytes"
    response["Content-Disposition"] = "inline"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = POLICY
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


class _Piece:
    """So many bytes of a stream, closed with the response, read or not."""

    def __init__(self, stream: File[bytes], size: int) -> None:
        self.stream, self.left = stream, size

    def __iter__(self) -> Iterator[bytes]:
        while self.left > 0 and (piece := self.stream.read(min(CHUNK, self.left))):
            self.left -= len(piece)
            yield piece

    def close(self) -> None:
        self.stream.close()


def _range(asked: str, size: int) -> tuple[int, int] | tuple[()] | None:
    """(first, last); nothing where all of it is asked for, or in a way not known here; () for one beyond its end."""
    found = _RANGE.fullmatch(asked.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        count = min(int(last), size)
        return (size - count, size - 1) if count else ()
    start, end = int(first), min(int(last), size - 1) if last else size - 1
    return (start, end) if start <= end and start < size else ()

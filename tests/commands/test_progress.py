"""The line at the foot of a terminal: what it says, that it fits, and where it is not shown."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from config import commands, progress
from config.progress import CLEAR, Progress, clock, is_terminal, line
from projects.models import Project

NARROW = 30


class Screen:
    """A terminal of NARROW columns, and what was written to it."""

    def __init__(self) -> None:
        self._reading, writing = pty.openpty()
        fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", 24, NARROW, 0, 0))
        self.stream = os.fdopen(writing, "w", encoding="utf-8")

    def text(self) -> str:
        os.set_blocking(self._reading, False)
        try:
            return os.read(self._reading, 100_000).decode()
        except BlockingIOError:
            return ""

    def close(self) -> None:
        self.stream.close()
        os.close(self._reading)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.02)
    made = Screen()
    yield made
    made.close()


def seen(screen: Screen, words: str) -> str:
    """All that was drawn until the words stood there."""
    found, deadline = "", time.monotonic() + 20
    while words not in found and time.monotonic() < deadline:
        found += screen.text()
        time.sleep(0.005)
    assert words in found
    return found


def test_a_known_total_gives_a_bar_a_share_and_the_time_left() -> None:
    said = line("Writing", 5_000, 20_000, 10.0, 120)
    assert said == "Writing [######..................] 25 %, 5,000 of 20,000, 0:10, about 0:30 left"


def test_an_unknown_total_gives_a_count_and_the_time() -> None:
    assert line("Reading", 12_000, None, 65.0, 80) == "Reading 12,000, 1:05"
    assert line("Computing", 0, None, 3.0, 80) == "Computing, 0:03"


def test_nothing_is_guessed_from_the_first_moment_or_from_nothing_done() -> None:
    assert "left" not in line("Writing", 1, 20_000, 0.4, 120)
    assert "left" not in line("Writing", 0, 20_000, 9.0, 120)
    assert "left" not in line("Writing", 20_000, 20_000, 9.0, 120)


@pytest.mark.parametrize("total", [None, 0, 3, 2_000_000])
def test_the_line_is_never_wider_than_the_terminal(total: int | None) -> None:
    for width in range(3, 121):
        said = line("Giving tasks their outputs", 3, total, 4000.0, width)
        assert 0 < len(said) < width


def test_a_narrow_terminal_keeps_what_matters_most() -> None:
    assert line("Writing ratings", 1, 4, 8.0, 60) == "Writing ratings 25 %, 1 of 4, 0:08, about 0:24 left"
    assert line("Writing ratings", 1, 4, 8.0, 24) == "Writing ratings 25 %"
    assert line("Writing ratings", 1, 4, 8.0, 12) == "Writing ra…"


def test_the_clock() -> None:
    assert [clock(seconds) for seconds in (0.9, 7, 750, 3725)] == ["0:00", "0:07", "12:30", "1:02:05"]


def test_it_draws_overwrites_and_goes_away(screen: Screen) -> None:
    with Progress(screen.stream, shown=True) as told:
        told("Reading", 1000)
        drawn = seen(screen, "Reading 1,000")
        told("Writing", 1, 2)
        drawn += seen(screen, "Writing 50 %")
    drawn += screen.text()
    assert drawn.endswith(CLEAR)
    assert "\n" not in drawn
    assert max(map(len, drawn.split(CLEAR))) < NARROW


def test_nothing_is_drawn_where_it_is_not_shown(screen: Screen) -> None:
    with Progress(screen.stream, shown=False) as told:
        told("Reading", 1000)
        time.sleep(0.02)
    assert screen.text() == ""


def test_a_terminal_that_has_gone_stops_no_work() -> None:
    stream = io.StringIO()
    stream.close()
    with Progress(stream, shown=True) as told:
        told("Reading")


def test_what_a_terminal_is(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_terminal(screen.stream)
    assert not is_terminal(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not is_terminal(screen.stream)


@pytest.mark.django_db
@pytest.mark.parametrize(("options", "shown"), [([], True), (["--json"], False)])
def test_a_command_shows_it_on_a_terminal_and_not_with_json(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str], shown: bool
) -> None:
    asked = []

    def unseen(stream: object, *, shown: bool) -> Progress:
        asked.append(shown)
        return Progress(stream, shown=False)

    monkeypatch.setattr(commands, "Progress", unseen)
    path = tmp_path / "outputs.csv"
    path.write_text("item,system,output\nq,amber,Yes.\n", encoding="utf-8")
    arguments = ["support", str(path), "--create", *options]
    call_command("import_outputs", *arguments, stdout=io.StringIO(), stderr=screen.stream)
    assert asked == [shown]
    assert Project.objects.filter(slug="support").exists()

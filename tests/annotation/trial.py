"""Many raters at once against gunicorn, as it serves in production, which may be killed at any moment.

Each rater is a browser: it loads the page, submits, and gets the next task in the answer. Where the server is gone it
sends the same form again, with the same key. What was answered with 200 was acknowledged, and must be there.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import User
from annotation.models import Assignment, Judgment, Rating, Round
from tests.factories import member, round_factory

ROOT = Path(__file__).resolve().parents[2]
HIDDEN = re.compile(r'<input[^>]* name="(csrfmiddlewaretoken|task|key|version)" value="([^"]*)"')
LONGEST = 150.0  # seconds until a trial counts as hanging
LEVELS = ("1", "2", "3")


def environment() -> dict[str, str]:
    """Of a process that meets the tests in their database."""
    place = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{place['NAME']}"
    else:
        url = f"postgresql://{place['USER']}:{place['PASSWORD']}@{place['HOST']}:{place['PORT']}/{place['NAME']}"
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "DATABASE_URL": url,
        "DATA_DIR": str(settings.DATA_DIR),
        "SECRET_KEY": settings.SECRET_KEY,
        "PYTHONPATH": str(ROOT),
    }


@dataclass
class Server:
    """gunicorn, with as many processes and threads as in production."""

    log: Path
    application: str
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with socket.socket() as probe:
            if not self.port:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
        workers, threads = ("1", "8") if connection.vendor == "sqlite" else ("2", "4")
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}", "--workers", workers]
        command += ["--threads", threads, "--preload", "--no-control-socket", "--log-level", "warning"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, self.application],
                cwd=ROOT,
                env=environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait()

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process is not None and self.process.poll() is None:
            link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            with suppress(OSError, http.client.HTTPException), closing(link):
                link.request("GET", "/healthz")
                with link.getresponse() as answer:
                    if answer.status == 200:
                        return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text(errors="replace")[-3000:])

    def kill_workers(self) -> None:
        """kill -9 of the processes that serve; their parent starts others at once."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)

    def kill(self) -> None:
        """kill -9 of all of it."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@contextmanager
def serving(log: Path, application: str = "config.wsgi") -> Iterator[Server]:
    server = Server(log, application)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@dataclass
class Rater:
    """One person's browser."""

    port: int
    page: str
    session: str
    draw: random.Random
    deadline: float
    acknowledged: dict[str, str] = field(default_factory=dict)  # assignment → the answer sent
    statuses: Counter[int] = field(default_factory=Counter)
    _csrf: str = ""
    _link: http.client.HTTPConnection | None = None

    def work(self) -> None:
        """Until nothing is left for this rater."""
        try:
            self._work()
        finally:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
        self._link = None

    def _work(self) -> None:
        text = self._send("GET", self.page)[1]
        while time.monotonic() < self.deadline:
            fields = {name: unescape(value) for name, value in HIDDEN.findall(text)}
            if "task" in fields:
                text = self._judge(fields)
            elif "data-retry" in text:  # others hold what is left
                time.sleep(0.1)
                text = self._send("GET", self.page)[1]
            else:
                return

    def _judge(self, fields: dict[str, str]) -> str:
        said = self.draw.choice(LEVELS)
        form = fields | {"c-correct": said, "active_seconds": "1"}
        status, text = self._send("POST", f"{self.page}submit/", form)
        self.statuses[status] += 1
        if status == 200:
            self.acknowledged[fields["task"]] = said
        return text

    def _send(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """Again and again until somebody answers: nothing is known of a request without an answer."""
        while time.monotonic() < self.deadline:
            with suppress(OSError, http.client.HTTPException):
                return self._try(method, path, form)
            self._hang_up()
            time.sleep(0.02)
        raise AssertionError("No answer came any more.")

    def _try(self, method: str, path: str, form: dict[str, str] | None) -> tuple[int, str]:
        if self._link is None:
            self._link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        cookies = f"adjudge_session={self.session}" + (f"; adjudge_csrf={self._csrf}" if self._csrf else "")
        headers = {"Cookie": cookies, "X-Rate": "1", "Origin": f"http://127.0.0.1:{self.port}"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._link.request(method, path, urlencode(form) if form is not None else None, headers)
        answer = self._link.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            if cookie.startswith("adjudge_csrf="):
                self._csrf = cookie.partition("=")[2].partition(";")[0]
        if answer.status >= 500:
            raise ConnectionError(f"{answer.status}")
        return answer.status, text


@dataclass(frozen=True)
class Trial:
    """What came of it."""

    wanted: int
    judgments: int
    per_task: set[int]  # how many counted judgments tasks have
    acknowledged: int
    lost: int  # acknowledged, and not there as sent
    twice: int  # of one rater on one task
    half: int  # judgments without their rating
    seconds: float

    @property
    def surplus(self) -> int:
        return max(0, self.judgments - self.wanted)


def a_round(items: int, raters: int) -> tuple[Round, list[User]]:
    """One system's answers, three raters for each."""
    round = round_factory(items=items, systems=1, overlap=3)
    return round, [member(round.project, "rater") for _ in range(raters)]


def race(
    server: Server, round: Round, people: list[User], *, seed: int = 0, meanwhile: Callable[[int], None] | None = None
) -> Trial:
    """All of them from the same moment. `meanwhile(n)` is told how many judgments were acknowledged so far."""
    started = time.monotonic()
    raters = [
        Rater(server.port, f"/rate/{round.public_id}/", session, random.Random(seed + n), started + LONGEST)
        for n, session in enumerate(_sessions(people))
    ]
    threads = [threading.Thread(target=rater.work, daemon=True) for rater in raters]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if meanwhile is not None:
            meanwhile(sum(len(rater.acknowledged) for rater in raters))
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    return outcome(round, raters, time.monotonic() - started)


def _sessions(people: list[User]) -> list[str]:
    found = []
    for user in people:
        client = Client()
        client.force_login(user)
        found.append(client.cookies["adjudge_session"].value)
    return found


def outcome(round: Round, raters: list[Rater], seconds: float) -> Trial:
    judged = Assignment.objects.filter(seat__round=round, state=Assignment.State.JUDGED, purpose="normal")
    counts = Counter(judged.values_list("task_id", flat=True))
    by_rater = Counter(judged.values_list("seat_id", "task_id"))
    ratings = Rating.objects.filter(judgment__seat__round=round, judgment__current=True)
    stored = {
        public_id: f"{number:g}"
        for public_id, number in ratings.values_list("judgment__assignment__public_id", "number")
        if number is not None
    }
    told = {task: said for rater in raters for task, said in rater.acknowledged.items()}
    judgments = Judgment.objects.filter(seat__round=round, current=True)
    return Trial(
        wanted=round.tasks.count() * round.overlap,
        judgments=judgments.count(),
        per_task={counts[task] for task in round.tasks.values_list("pk", flat=True)},
        acknowledged=len(told),
        lost=sum(stored.get(task) != said for task, said in told.items()),
        twice=sum(n > 1 for n in by_rater.values()),
        half=judgments.filter(ratings__isnull=True).count(),
        seconds=seconds,
    )

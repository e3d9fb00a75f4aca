"""The real browser that the browser tests and the screenshots drive: found, or installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tools.console import Stop, fail, say
from tools.environment import PYTHON, apt_install

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # A page under test must not reach any other machine, whatever it holds.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
HELP = (
    "No Chromium was found, and the browser tests need a real one. On Debian: "
    "sudo apt-get install chromium; or name one in the environment: CHROMIUM=/path/to/chromium"
)


def find() -> str | None:
    """The browser's path: the one named by CHROMIUM, the machine's, or Playwright's own download."""
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named)
    for name in NAMES:
        if path := shutil.which(name):
            return path
    return _playwright_download()


def ensure() -> str:
    if path := find():
        return path
    if os.environ.get("CHROMIUM"):
        raise Stop(f"CHROMIUM names {os.environ['CHROMIUM']}, which is not a program on this machine.")
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("Chromium: installing Debian's package")
        apt_install("chromium", "fonts-dejavu-core")
    if not find():
        say("Chromium: asking Playwright to download one")
        download = [str(PYTHON), "-m", "playwright", "install", "chromium"]
        subprocess.run(download, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    path = find()
    if path is None:
        raise Stop(HELP)
    return path


def _playwright_download() -> str | None:
    home = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright"
    found = sorted(Path(home).glob("chromium-*/chrome-linux*/chrome"))
    return str(found[-1]) if found else None


def main() -> None:
    try:
        say(f"Chromium: {ensure()}")
    except Stop as error:
        fail(error)


if __name__ == "__main__":
    main()

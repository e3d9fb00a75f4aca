"""What a fresh clone promises: the commands exist, versions are fixed, no package index is named."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("base", "dev", "postgres")
TARGETS = ("run", "setup", "test", "quick", "slow", "lint", "shots", "bench", "lock", "clean")
# Written in parts, so that this file does not hold what it looks for.
INDEX_ADDRESSES = re.compile(
    "|".join(
        [
            r"(?<!no-emit)--(?:extra-)?index" + r"-url",
            r"(?<!no-emit)--(?:trusted" + r"-host|find" + r"-links)",
            r"pypi" + r"\.org",
            r"files\.python" + r"hosted",
            r"registry\.npm" + r"js",
            r"deb\.debian" + r"\.org",
            r"https?://\S+/simple\b",
        ]
    )
)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def locked(name: str) -> dict[str, str]:
    """Package to version; a line that fixes no version fails here."""
    versions = {}
    for line in (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if not text:
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.+!]+)(?:\s*;.*)?", text)
        assert match, f"requirements/{name}.txt: {text!r} does not fix one version with =="
        versions[canonicalize_name(match[1])] = match[2]
    assert versions, f"requirements/{name}.txt locks nothing"
    return versions


def wanted(extra: str | None = None) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return [Requirement(text) for text in texts]


def test_no_file_names_a_package_index() -> None:
    wrong = []
    for path in tracked_files():
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if INDEX_ADDRESSES.search(line):
                wrong.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "line",
    [
        "--index" + "-url https://index.example/",
        "pip install --extra-index" + "-url=x",
        "https://mirror.example/root/" + "simple/",
        "see pypi" + ".org/project/x",
    ],
)
def test_an_index_address_is_recognised(line: str) -> None:
    assert INDEX_ADDRESSES.search(line)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_fixes_every_version(name: str) -> None:
    assert locked(name)


@pytest.mark.parametrize(("lock", "extra"), [("base", None), ("dev", None), ("dev", "dev")])
def test_a_lock_answers_what_the_project_asks_for(lock: str, extra: str | None) -> None:
    versions = locked(lock)
    for requirement in wanted(extra):
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{name} is not locked: run make lock"
        assert Version(versions[name]) in requirement.specifier, f"{name}: run make lock"


def test_development_runs_on_the_versions_that_people_run() -> None:
    base, dev = locked("base"), locked("dev")
    assert {name: dev.get(name) for name in base} == base


def test_ci_calls_lint_and_test_and_nothing_else() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK), ".ci/run is not executable"
    lines = [line.strip() for line in script.read_text(encoding="utf-8").splitlines()]
    commands = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make lint", "make test"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_promised_command_exists(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip(), f"make {target} would do nothing"


@pytest.mark.parametrize("target", [target for target in TARGETS if target not in {"lock", "clean"}])
def test_what_a_command_starts_is_there(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    modules = re.findall(r"-m (tools\.\w+|bench)\b", done.stdout)
    assert modules, done.stdout
    for module in modules:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module

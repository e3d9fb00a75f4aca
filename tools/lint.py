"""Everything that reads the code without running the product: `python -m tools.lint`.

Every step runs, also after one has failed: one answer tells of all.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

from tools.console import say
from tools.environment import ROOT


@dataclass(frozen=True)
class Step:
    name: str
    command: list[str]
    settings: dict[str, str] = field(default_factory=dict)


def steps() -> list[Step]:
    # What an operator would set; no connection is made to the database.
    production = {
        "ADJUDGE_ENV": "production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "adjudge.example.org",
        "BASE_URL": "https://adjudge.example.org",
        "DATABASE_URL": "postgresql://adjudge:adjudge@127.0.0.1:5432/adjudge",
    }
    compose = ["compose_lint", "check", "--quiet", "--strict-config", "--no-env", "--no-merge-overrides"]
    compose += ["--fail-on", "medium", "--config", "deploy/compose-lint.yml", "deploy/compose.yaml"]
    return [
        Step("ruff check", ["ruff", "check", "."]),
        Step("ruff format", ["ruff", "format", "--check", "."]),
        Step("mypy", ["mypy"]),
        Step("templates", ["djlint", "templates", "--lint", "--quiet"]),
        Step(
            "deployment checks",
            ["django", "check", "--deploy", "--fail-level", "WARNING"],
            settings=production,
        ),
        Step("migrations", ["django", "makemigrations", "--check", "--dry-run"]),
        Step("translations", ["tools.messages", "--check"]),
        Step("Dockerfile", ["tools.deployment", "dockerfile"]),
        Step("compose file", ["check_jsonschema", "--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml"]),
        Step("compose file, hardening", compose),
        Step("Kubernetes manifests", ["tools.deployment", "kubernetes"]),
        Step("proxy", ["tools.deployment", "proxy"]),
        Step("gunicorn", ["gunicorn", "--config", "deploy/gunicorn.conf.py", "--check-config", "config.wsgi"]),
        Step("architecture", ["pytest", "-q", "tests/test_architecture.py"]),
    ]


def run(step: Step) -> bool:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="adjudge-lint-") as data:
        settings = {"DJANGO_SETTINGS_MODULE": "config.settings", "DATA_DIR": data, **step.settings}
        done = subprocess.run(
            [sys.executable, "-m", *step.command],
            cwd=ROOT,
            env=_bare_environment() | settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    passed = done.returncode == 0
    say(f"{'passed' if passed else 'FAILED':7} {step.name} ({time.monotonic() - started:.0f} s)")
    if not passed:
        say((done.stdout + done.stderr).rstrip())
    return passed


def _bare_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


def main() -> int:
    results = [run(step) for step in steps()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

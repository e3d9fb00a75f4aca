from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from projects.access import may_create_project
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    out = StringIO()
    call_command("create_lead", *args, stdout=out)
    return out.getvalue()


def test_the_first_lead_gets_a_password_that_works_and_may_make_projects() -> None:
    printed = run("lead@example.org", "--name", "Ines Okafor")
    user = User.objects.get(email="lead@example.org")
    password = printed.split("Password: ")[1].splitlines()[0]
    assert user.check_password(password)
    assert may_create_project(user)
    assert not user.is_staff


def test_a_password_file_is_read_and_never_printed(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    assert PASSWORD not in run("lead@example.org", "--password-file", str(path))
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.parametrize(
    ("email", "password", "words"),
    [
        ("no address", PASSWORD, "is not an e-mail address"),
        ("lead@example.org", "short", "The password is refused"),
        ("lead@example.org", "", "on one line"),
        ("lead@example.org", "a\nb", "on one line"),
    ],
)
def test_bad_input_is_refused_in_words_and_makes_nobody(tmp_path: Path, email: str, password: str, words: str) -> None:
    path = tmp_path / "password"
    path.write_text(password)
    with pytest.raises(CommandError, match=words) as caught:
        run(email, "--password-file", str(path))
    assert caught.value.returncode == 2
    assert not User.objects.exists()


def test_a_missing_password_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run("lead@example.org", "--password-file", str(tmp_path / "none"))


def test_the_same_address_twice_is_refused() -> None:
    run("lead@example.org")
    with pytest.raises(CommandError, match="already"):
        run("LEAD@example.org")

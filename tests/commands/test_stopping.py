"""Ctrl-C at any moment: everything or nothing, 130, and a sentence that is true."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from config.folders import private_folder
from config.stopping import SIGNALS, Stopped, Stopping, point_of_no_return
from tests.commands.terminal import Done, Terminal
from tests.commands.test_manners import COMMANDS

ACTS = {
    "import_outputs": "import_outputs fresh {files}/outputs.csv --create",
    "apply": "apply {files}/second.yaml",
    "run_checks": "run_checks support --check valid_json --check length",
    "import_judgments": "import_judgments support/pilot {files}/ratings.csv",
    "import_judge_answers": "import_judge_answers support/quality {files}/judged.jsonl",
    "export": "export support/pilot --format csv,jsonl --out {files}/made",
    "report": "report support/pilot --out {files}/made",
    "gate": "gate support/planned --register {files}/gate.yaml",
    "import_export": "import_export {files}/moved",
    "verify_report": "verify_report {files}/reported/report.json --ratings {files}/exported",
    "create_lead": "create_lead ines@example.org",
    "import_gold": "import_gold support/planned {files}/gold.csv",
    "qualify": "qualify support first@example.org --languages de",
    "renew_order": "renew_order support/pilot",
    "rubric_check": "rubric_check {files}/good.yaml",
    "rubric_diff": "rubric_diff support/quality@1 support/quality@2",
    "rubric_export": "rubric_export support/quality --out {files}/made",
    "rubric_doctor": "rubric_doctor support/pilot",
    "rubric_library": "rubric_library coherence --start support",
    "rubric_copy": "rubric_copy support/quality support",
    "rerate": "rerate support/pilot --open",
    "backup": "backup {files}/made.tar",
    "restore": "restore {files}/base.tar --overwrite",
    "check_backup": "check_backup {files}/base.tar",
    "leaks": "leaks support/pilot",
    "verify_audit": "verify_audit",
}
READ_ONLY = {
    "verify_report",
    "check_backup",
    "leaks",
    "verify_audit",
    "rubric_check",
    "rubric_diff",
    "rubric_doctor",
}  # with many moments only
COMMITTED = -1.0  # not after a share of the time, but when the first transaction was committed
DEMO_STOPS_AT = (0.3, 1.0)  # seconds: the whole of it is too long to be measured first


def test_every_command_is_stopped_here() -> None:
    assert {*ACTS, "demo", "db_worker"} == set(COMMANDS)


def test_a_worker_that_is_stopped_ends_after_the_task_under_way(shell: Terminal) -> None:
    done = stopped(shell, "db_worker", after=0.3)
    assert (done.code, done.err) == (0, "")
    assert done.out in {"0 done.\n", "1 done.\n"}  # an order that follows the judgments may be due


@pytest.mark.parametrize("name", [name for name in ACTS if name not in READ_ONLY])
def test_ctrl_c_leaves_everything_or_nothing(shell: Terminal, name: str) -> None:
    """Half-way, and when the database has just kept it: then it must not be said that nothing was."""
    if sweep(shell, name, [0.4, COMMITTED])[-1].code == 0:
        sweep(shell, name, [0.85])  # it keeps files only


def test_ctrl_c_leaves_nothing_of_the_demonstration_study(shell: Terminal) -> None:
    before, there = shell.state(), listing(shell.files)
    for seconds in DEMO_STOPS_AT:
        done = stopped(shell, "demo", after=seconds)
        assert (done.code, done.err) == (130, "Stopped. Nothing of the demonstration study was kept.\n")
        assert (shell.state(), listing(shell.files)) == (before, there)


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTS)
def test_ctrl_c_at_many_moments_leaves_everything_or_nothing(shell: Terminal, name: str) -> None:
    moments = [*(n / 40 for n in range(1, 41)), *(1 - n / 1000 for n in range(20))]  # more where it is kept and told
    assert 130 in {done.code for done in sweep(shell, name, moments)}


def stopped(shell: Terminal, name: str, after: float) -> Done:
    """By a signal that the command itself hears: on a busy machine it may come before the command has begun."""
    done = shell.run(name, after=after)
    while done.code == -signal.SIGINT or (done.code, done.err) == (130, "Stopped.\n"):
        after *= 2
        done = shell.run(name, after=after)
    return done


def sweep(shell: Terminal, name: str, shares: list[float]) -> list[Done]:
    """Once to its end; then with a signal at these shares of the calls that took."""
    shell.back()  # a sweep before this one may have ended with all done
    files, arguments = shell.files, ACTS[name].format(files=shell.files).split()
    before, there = shell.state(), listing(files)
    whole = shell.run(*arguments, at_call=0)
    assert whole.code == 0, whole
    after, made = shell.counts(), listing(files)
    found = []
    for share in shares:
        clear(files, there)
        shell.back()
        committed = share == COMMITTED
        at_call = None if committed else round(whole.calls * share)
        done = shell.run(*arguments, at_call=at_call, committed=committed)
        found.append(done)
        if done.code == -signal.SIGINT:  # before Python listened, or after the command had ended
            nothing = (shell.state(), listing(files)) == (before, there)
            assert nothing or (shell.counts(), listing(files)) == (after, made), done
        elif done.code == 130 and done.err.startswith("Stopped. The archive is restored"):
            assert (shell.counts(), listing(files)) == (after, made), done
        elif done.code == 130 and (done.out == "" or name in READ_ONLY):  # these print what they found as they go
            assert (shell.state(), listing(files)) == (before, there), done
            assert len(done.lines) == 1, done
            assert done.err.startswith("Stopped.")
        else:
            assert (shell.counts(), listing(files)) == (after, made), done
            assert (done.code, done.err) in (
                (0, ""),
                (130, "Stopped too late to undo it: it was done as a whole.\n"),
            ), done
    clear(files, there)
    return found


def listing(folder: Path) -> set[str]:
    """Every file and folder; SQLite's own files come and go."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.name.startswith("adjudge.")}


def clear(folder: Path, keep: set[str]) -> None:
    for name in sorted(listing(folder) - keep, reverse=True):
        path = folder / name
        path.rmdir() if path.is_dir() else path.unlink()


# --- The point of no return --------------------------------------------------------------------------------------


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_before_it_the_signal_stops() -> None:
    with pytest.raises(Stopped), Stopping():
        press()


def test_after_it_the_signal_waits_and_is_remembered() -> None:
    with Stopping() as stopping:
        point_of_no_return()
        press()
        assert (stopping.asked, stopping.exit_code) == (signal.SIGINT, 130)
        point_of_no_return()  # again, as where files follow the database


def test_a_signal_that_a_library_swallowed_stops_there() -> None:
    with Stopping():
        with suppress(KeyboardInterrupt):
            press()
        with pytest.raises(Stopped):
            point_of_no_return()


def test_what_is_cleared_away_goes_even_if_the_signal_comes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, presses = shutil.rmtree, iter([press])

    def rmtree(*given: Any, **named: Any) -> None:
        next(presses, lambda: None)()
        whole(*given, **named)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    with pytest.raises(Stopped), Stopping(), private_folder(tmp_path, "work-") as folder:
        (folder / "file").touch()
    assert listing(tmp_path) == set()


class Destructor:
    def __del__(self) -> None:
        press()


def test_a_signal_in_a_callback_that_cannot_pass_it_on_comes_again(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        Destructor()
        threading.Event().wait(30)

    with pytest.raises(Stopped), Stopping():
        work()
    assert capfd.readouterr().err == ""


def test_a_second_signal_does_not_interrupt_the_clearing_away() -> None:
    cleared = []

    def work() -> None:
        try:
            press()
        finally:
            press()
            cleared.append(True)

    with pytest.raises(Stopped), Stopping():
        work()
    assert cleared


@pytest.mark.django_db(transaction=True)
def test_inside_another_transaction_it_is_not_reached() -> None:
    with Stopping() as stopping:
        with transaction.atomic():
            with transaction.atomic():
                point_of_no_return()
            assert not stopping.late
            point_of_no_return()
        assert stopping.late


def test_handlers_are_put_back_and_what_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        old = {number: signal.getsignal(number) for number in SIGNALS}
        with Stopping():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            assert signal.getsignal(signal.SIGINT) != old[signal.SIGINT]
        assert {number: signal.getsignal(number) for number in SIGNALS} == old
    finally:
        signal.signal(signal.SIGHUP, before)


def test_elsewhere_it_means_nothing() -> None:
    assert Stopping.current is None
    point_of_no_return()

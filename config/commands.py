"""What all of our commands have in common, so that one is used like the other.

Progress on a terminal, `--json`, refusals as sentences with exit code 2, Ctrl-C that leaves nothing half done,
and `--help` that ends with an example. See docs/commands.md for what is promised.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from traceback import clear_frames
from typing import Any, BinaryIO, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter, SystemCheckError
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError

from config.progress import Progress, is_terminal
from config.refusals import Refusal
from config.stopping import Stopping
from config.terminal import TROUBLE, WRONG_INPUT, forget_output

# Every command of Django takes them; ours say nothing about them, so that what matters is read.
DJANGOS_OWN = {
    *("--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--no-color", "--force-color"),
}
NOT_PREPARED = ("no such table", "no such column", "does not exist")


class Command(BaseCommand):
    """A command of ours: `work` does it, `tell` says what was done."""

    examples: tuple[str, ...] = ()  # what follows manage.py; the first stands in the help
    untouched = "Nothing was changed."  # what is true after Ctrl-C
    must_be_told = False  # the outcome stands nowhere else: told inside the transaction, which fails with it
    # Checks of every address, form and serializer load the whole web side: seconds, for a command that has none.
    requires_system_checks = ()
    suppressed_base_arguments = DJANGOS_OWN

    progress: Progress
    _called_from_command_line = False  # Django sets it; its stubs leave it out

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        base = super().create_parser(prog_name, subcommand, add_help=False, **kwargs)
        parser = Parser(
            prog=base.prog,
            parents=[base],
            description=self.help,
            formatter_class=HelpFormatter,
            epilog="\n".join(["Example:", *(f"  manage.py {example}" for example in self.examples)]),
            called_from_command_line=self._called_from_command_line,
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as one JSON value, for programs")
        return parser

    def work(self, **options: Any) -> None:
        raise NotImplementedError("A command says here what it does.")

    def tell(self, outcome: dict[str, Any], lines: Iterable[str]) -> None:
        """The outcome, for programs or for people."""
        self.progress.close()
        try:
            for text in [json.dumps(outcome, ensure_ascii=False)] if self._as_json else lines:
                self.stdout.write(text)
            self.stdout.flush()
        except OSError as error:
            if isinstance(error, BrokenPipeError) and not self.must_be_told:
                raise  # whoever read the output has gone: manage.py ends quietly
            if self._called_from_command_line:
                forget_output()
            said = f"The outcome could not be written: {error.strerror}."
            done = self.untouched if self.must_be_told else "All else was done."
            raise CommandError(f"{said} {done}", returncode=TROUBLE) from error

    def handle(self, *args: Any, **options: Any) -> None:
        self._as_json = bool(options["json"])
        shown = is_terminal(self.stderr) and not self._as_json
        with Stopping(last=self._called_from_command_line) as stopping:
            try:
                # The stream below Django's wrapper, which would colour the line as an error.
                with Progress(getattr(self.stderr, "_out", self.stderr), shown=shown) as self.progress:
                    self.work(**options)
            except KeyboardInterrupt as error:
                # A service that was stopped too late to undo everything says itself what is true now.
                said = str(error) or f"Stopped. {self.untouched}"
                raise CommandError(said, returncode=stopping.exit_code) from error
            except Refusal as error:
                raise CommandError(error.message, returncode=WRONG_INPUT) from error
            except BrokenPipeError:
                raise
            except OSError as error:
                raise CommandError(sentence_of(error), returncode=TROUBLE) from error
            except (DataError, IntegrityError):
                raise  # a fault of ours
            except (DatabaseError, InterfaceError) as error:
                raise CommandError(database_sentence(error), returncode=TROUBLE) from error
            if stopping.asked:
                said = "Stopped too late to undo it: it was done as a whole."
                raise CommandError(said, returncode=stopping.exit_code)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """At the terminal a refusal is its sentence alone, without the name of a Python class before it."""
        try:
            return super().execute(*args, **options)
        except SystemCheckError:
            raise
        except CommandError as error:
            if not self._called_from_command_line or options.get("traceback"):
                raise
            _let_go(error)
            self.stderr.write(str(error))
            sys.exit(error.returncode)


def _let_go(error: BaseException | None) -> None:
    """What was interrupted may hold cursors half read, which must be closed before their connection is."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


class Parser(CommandParser):
    """Refuses arguments in a sentence that says what is accepted."""

    def error(self, message: str) -> NoReturn:
        known = [option for action in self._actions for option in action.option_strings if _is_shown(action)]
        if message.startswith("unrecognized arguments: "):
            said = f"Not known here: {message.partition(': ')[2]}. Options are {', '.join(known)}."
        else:
            said = f"{message.removeprefix('argument ')}."
            said = f"{said[0].upper()}{said[1:]}"
        said += f" See “{self.prog} --help”."
        if not self.called_from_command_line:
            raise CommandError(said, returncode=WRONG_INPUT)
        self.exit(WRONG_INPUT, f"{said}\n")


def _is_shown(action: argparse.Action) -> bool:
    return action.help != argparse.SUPPRESS


class HelpFormatter(DjangoHelpFormatter):
    """Examples are to be copied, so their lines stand as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("Example:") else super()._fill_text(text, width, indent)


def opened(path: Path) -> BinaryIO:
    """The file that was named, or a refusal that says why not. Devices and pipes cannot be read twice."""
    try:
        if path.is_dir():
            raise Refusal(f"{path} is a folder. Name a file in it.")
        if not path.exists():
            raise Refusal(f"{path}: there is no such file.")
        if not path.is_file():
            raise Refusal(f"{path} is not a file. Save what it gives as a file first.")
        return path.open("rb")
    except OSError as error:
        raise Refusal(f"{path}: this file cannot be read: {error.strerror}.") from error


def sentence_of(error: OSError) -> str:
    why = error.strerror or str(error)
    return f"{error.filename}: {why}." if error.filename else f"The system refused: {why}."


def database_sentence(error: Exception) -> str:
    why = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
    hint = " Bring it to this version with manage.py migrate." if any(word in why for word in NOT_PREPARED) else ""
    return f"The database refused: {why}.{hint} Nothing was changed."


def whole_number(low: int, high: int) -> Any:
    """A type of argument: a whole number in a range, refused in words."""

    def read(text: str) -> int:
        if not text.isascii() or not text.removeprefix("-").isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text} is not accepted, only a whole number from {low} to {high}")
        return int(text)

    return read

"""What a built-in check is: a rule that reads one output and needs no model. No Django here.

A check never guesses: where it cannot say, it gives a reason, and a reason is never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["bool", "number"]
Direction = Literal["higher", "lower", "unknown"]
Options = dict[str, Any]

MAX_TEXT = 200_000  # characters of an output that a check reads; a longer one gets a reason
MAX_DEPTH = 100  # of nested JSON, YAML and XML


class OptionError(ValueError):
    """An option that is not accepted: a full sentence."""

    def __init__(self, option: str, why: str) -> None:
        super().__init__(why)
        self.option = option


class NoValue(Exception):
    """There is nothing to say of this output: why."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a check reads: an output, and what its item says of a right one."""

    text: str = ""
    calls: tuple[dict[str, Any], ...] = ()  # tool calls: name, arguments
    reference: tuple[str, ...] = ()
    language: str = ""
    expected_calls: tuple[dict[str, Any], ...] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A value, with what was seen in a few words."""

    value: float | bool
    why: str = ""
    passed: bool | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """How a check is set. `read` turns what was written into what the check uses, and refuses it in words."""

    key: str
    label: str
    read: Callable[[str, Any], Any]
    default: Any = ""
    hint: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    long: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    key: str
    title: str
    about: str
    version: str  # raised when the same output may get another value
    run: Callable[[Given, Options], Found]
    kind: Kind = "bool"
    direction: Direction = "higher"
    scale: tuple[float, float] | None = None
    options: tuple[Option, ...] = ()
    name: Callable[[Options], str] = field(default=lambda options: "")  # what tells two settings of it apart

    def read(self, written: Mapping[str, Any]) -> Options:
        """The options with defaults, checked. Raises OptionError."""
        unknown = [key for key in written if key not in {each.key for each in self.options}]
        if unknown:
            known = ", ".join(each.key for each in self.options) or "none"
            raise OptionError(unknown[0], f"“{unknown[0]}” is no option of the check {self.key}. Options: {known}.")
        found = {}
        for each in self.options:
            given = written.get(each.key, each.default)
            if each.required and given in ("", None, []):
                raise OptionError(each.key, f"The check {self.key} needs the option {each.key}: {each.label.lower()}.")
            found[each.key] = each.read(each.key, given)
        return found


def text(key: str, written: Any) -> str:
    if not isinstance(written, str):
        raise OptionError(key, f"{key} must be a text, not {written!r}.")
    return written.strip()


def yes(key: str, written: Any) -> bool:
    known = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True, "on": True}
    found = known.get(str(written).strip().lower())
    if found is None:
        raise OptionError(key, f"{key} is yes or no, not {written!r}.")
    return found


def whole(key: str, written: Any) -> int | None:
    if written in ("", None):
        return None
    try:
        number = int(str(written).strip())
    except ValueError:
        number = -1
    if isinstance(written, bool) or not 0 <= number <= 10_000_000:
        raise OptionError(key, f"{key} must be a whole number of 0 or more, not {written!r}.")
    return number


def one_of(*accepted: str) -> Callable[[str, Any], str]:
    def read(key: str, written: Any) -> str:
        word = str(written).strip()
        if word not in accepted:
            raise OptionError(key, f"{key} is one of {', '.join(accepted)}, not {written!r}.")
        return word

    return read

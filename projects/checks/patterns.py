"""Patterns that an output must or must not hold. RE2 runs in linear time, whatever the pattern and the text are."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

from projects.checks.base import Check, Found, Given, NoValue, Option, OptionError, Options, text, yes

_MAX_PATTERN = 2000
_MAX_MEMORY = 8 << 20  # of a compiled pattern: a{1000}{1000} is refused


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem, options.log_errors = _MAX_MEMORY, False
    return re2.compile(pattern, options)


def compiled(key: str, pattern: str) -> Any:
    if len(pattern) > _MAX_PATTERN:
        raise OptionError(key, f"The pattern has {len(pattern):,} characters; at most {_MAX_PATTERN:,} are accepted.")
    try:
        return _compiled(pattern)
    except re2.error as error:
        why = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise OptionError(key, f"“{pattern[:80]}” is not a pattern that RE2 accepts: {why}.") from None


def read_pattern(key: str, written: Any) -> str:
    pattern = text(key, written)
    compiled(key, pattern)
    return pattern


def _match(given: Given, options: Options) -> str | None:
    if not given.text:
        raise NoValue("The output has no text.")
    found = compiled("pattern", f"(?i){options['pattern']}" if options["ignore_case"] else options["pattern"]).search(
        given.text
    )
    return None if found is None else str(found.group(0))


def required(given: Given, options: Options) -> Found:
    found = _match(given, options)
    return Found(found is not None, "" if found is None else f"Found “{found[:80]}”.")


def forbidden(given: Given, options: Options) -> Found:
    found = _match(given, options)
    return Found(found is None, "" if found is None else f"Found “{found[:80]}”.")


_OPTIONS = (
    Option("pattern", "The pattern", read_pattern, required=True, hint="RE2's syntax, such as \\b(order|case) [0-9]+"),
    Option("ignore_case", "Capital letters do not matter", yes, "no"),
)
CHECKS = (
    Check("has_pattern", "Required pattern", "The output holds text that matches a pattern.", "1", required,
          options=_OPTIONS, name=lambda options: str(options["pattern"])),
    Check("lacks_pattern", "Forbidden pattern", "The output holds no text that matches a pattern.", "1", forbidden,
          options=_OPTIONS, name=lambda options: str(options["pattern"])),
)  # fmt: skip

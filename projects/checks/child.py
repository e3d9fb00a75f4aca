"""Runs checks in a process of its own: `python -m projects.checks.child`. Reads one JSON line an output, writes one.

Whatever a hostile output does to a parser happens here: the parent (`runner.py`) waits so long and no longer, and the
memory of this process is capped. Only the parent's own checks and options come in."""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

from projects.checks import CHECKS
from projects.checks.base import Check, Found, Given, NoValue, OptionError, Options

MEMORY = 2 << 30  # of address space: libraries for languages and overlap take some of it
_READY = "Ready."


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # Libraries may write to standard output; the answers go where nothing else does.
    answers, sys.stdout = sys.stdout, sys.stderr
    wanted = [(CHECKS[key], CHECKS[key].read(written)) for key, written in json.loads(sys.stdin.readline())]
    for check, options in wanted:  # what is loaded late is loaded now, and not within an output's time
        _run(check, options, Given("Words.", reference=("Words.",)))
    answers.write(json.dumps(_READY) + "\n")
    answers.flush()
    for line in sys.stdin:
        number, told = json.loads(line)
        told["reference"] = tuple(told["reference"])
        told["calls"] = tuple(told["calls"])
        check, options = wanted[int(number)]
        answers.write(json.dumps(_run(check, options, Given(**told))) + "\n")
        answers.flush()


def _run(check: Check, options: Options, given: Given) -> dict[str, Any]:
    try:
        found = check.run(given, options)
    except NoValue as none:
        return {"missing": str(none)}
    except (MemoryError, RecursionError):
        return {"missing": "The output is built in a way that this check cannot follow."}
    except (ValueError, OptionError) as error:  # a library's own refusal of a text
        return {"missing": f"The check could not read the output: {str(error)[:200]}"}
    return _told(found)


def _told(found: Found) -> dict[str, Any]:
    return {"value": found.value, "why": found.why[:1000], "passed": found.passed}


if __name__ == "__main__":
    main()

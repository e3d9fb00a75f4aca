"""The part of `make run` that needs Django: migrations and the demonstration study, in one process.

Two `manage.py` calls would load everything twice, and a second start should take seconds.
"""

from __future__ import annotations

import io
import os
import sys

from tools.console import fail, say


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import CommandError, call_command
    from django.db import DatabaseError

    try:
        say("2/5 Database")
        django.setup()
        call_command("migrate", verbosity=0)
        say("3/5 Demonstration study")
        told = io.StringIO()
        call_command("demo", if_empty=True, stdout=told)
    except CommandError as error:
        fail(str(error), code=error.returncode)
    except (DatabaseError, ImproperlyConfigured) as error:
        fail(str(error))
    # The file is read at the end of every start; what the command says is shown where there is none.
    if not (settings.DATA_DIR / "demo-logins.txt").exists():
        say(told.getvalue().rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())

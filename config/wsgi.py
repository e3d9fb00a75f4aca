"""What a WSGI server (gunicorn) loads."""

from __future__ import annotations

import io
import os
from typing import Any

from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()


def refuse_a_bad_start() -> None:
    """`manage.py` runs the system checks by itself, a WSGI server does not."""
    from django.db import connection as proxy

    from config.checks import no_demo_accounts_in_production

    call_command("check", stdout=io.StringIO())  # findings go to stderr, praise nowhere
    errors = no_demo_accounts_in_production(None, databases=["default"])
    # The server may fork after loading us: no connection may be shared by its children.
    connection: Any = proxy
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()
    if errors:
        raise SystemCheckError("\n".join(f"{error.msg} {error.hint}" for error in errors))


def load_what_a_report_needs() -> None:
    """Commands load pandas and scipy when they build a report. Here that would hold up whoever is rating."""
    import analytics.reports  # noqa: F401


refuse_a_bad_start()
load_what_a_report_needs()

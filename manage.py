#!/usr/bin/env python
"""The command-line door. `python manage.py help` lists what it does."""

from __future__ import annotations

import os
import sys

from config import terminal


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    sys.exit(terminal.run(main))

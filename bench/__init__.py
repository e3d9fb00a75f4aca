"""Measurements: `make bench`. See README.md."""

from __future__ import annotations

import config  # noqa: F401 - the statistics are measured with one thread of the matrix library, as they are served

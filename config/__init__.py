"""Settings, addresses, commands and what all of the apps share."""

from __future__ import annotations

import os

# Read when numpy is first imported. Statistics solve systems of a few hundred rows: where all processors have work
# already, threads of the matrix library wait for each other, and took up to ten times the processor time when measured.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

"""How gunicorn serves Adjudge: `gunicorn --config deploy/gunicorn.conf.py config.wsgi`, from the folder of the clone.

WEB_BIND, WEB_PROCESSES and WEB_THREADS are described in docs/settings.md.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

from config import logs
from config.env import env_choice, env_int, env_secret, env_str

# One process with SQLite: its threads queue for the one writer more fairly than processes do.
_sqlite = not env_secret("DATABASE_URL", "sqlite:").startswith("postgres")

bind = env_str("WEB_BIND", "127.0.0.1:8000")
workers = env_int("WEB_PROCESSES", 1 if _sqlite else 2, low=1, high=64)
threads = env_int("WEB_THREADS", 8 if _sqlite else 4, low=1, high=64)
worker_class = "gthread"
# Loaded once, before the processes are forked: what nobody writes to is in memory once and not once for each. Code is
# read at the start only, so a new version needs a restart and not a reload.
preload_app = True
# Processes take turns in starting afresh, so that no leak grows for months. A single one would leave nobody serving.
max_requests = 20_000 if workers > 1 else 0
max_requests_jitter = max_requests // 10
timeout = 60  # seconds without a sign of life from a process, not from a request
graceful_timeout = 30
# Longer than proxies keep a connection open: they, and not we, close it, so none is closed under a request.
keepalive = 75
# A heartbeat that waits for a slow disk looks like a dead process.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - files without names
# The socket for `gunicornc` would be made in the home folder: there is none to write to in a container, and
# a second way to command the server is one too many.
control_socket_disable = True
# Each request is logged once, by the application, without what is private in an address.
accesslog = None
_logs = logs.build(
    log_format=env_choice(
        "LOG_FORMAT",
        ("json", "text"),
        "json" if env_str("ADJUDGE_ENV") == "production" else "text",
    ),
    level="INFO",
)
# In the same form as the application's lines.
logconfig_dict = _logs | {"loggers": {"gunicorn.error": {"handlers": [], "level": "INFO", "propagate": True}}}


def when_ready(server: Any) -> None:
    """The collector writes to what it looks at, and what is written to is not shared any more."""
    gc.collect()
    gc.freeze()

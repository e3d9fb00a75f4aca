"""Who asks, read by two statements that were written down once.

Django reads the session and its user through the ORM at every request, which on a rater's submit takes a fifth of all
processor time, nearly all of it to work out the text of the two queries (`config.rows`). This reads the same rows and
accepts them only where Django would without more ado. Everything else is left to Django, which then reads for
itself: no session or an expired one, an account that is switched off or gone, a password that has changed since, a
key that was rotated, another backend."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User
from config.rows import Columns

_USER = Columns(User, "u")
_SESSION_OF_KEY = "SELECT session_data FROM django_session WHERE session_key = %s AND expire_date > %s"
_USER_OF_ID = f"SELECT {_USER.sql} FROM accounts_user u WHERE u.id = %s"  # noqa: S608 - names of our own columns


def read_ahead(request: HttpRequest) -> None:
    """Give the request its session and its user, before anything asks for them."""
    session: Any = request.session
    if type(session) is not SessionStore or hasattr(session, "_session_cache") or hasattr(request, "_cached_user"):
        return
    if session.session_key is None:
        return
    row = _one(_SESSION_OF_KEY, [session.session_key, connection.ops.adapt_datetimefield_value(timezone.now())])
    if row is None:
        return
    session._session_cache = session.decode(row[0])  # type: ignore[attr-defined]  # where a session keeps what it read
    user = _user_of(session)
    if user is not None:
        request._cached_user = user  # type: ignore[attr-defined]  # where Django's middleware keeps it


def _user_of(session: SessionStore) -> User | None:
    """What `django.contrib.auth.get_user` would find, if the session proves it with the key of today."""
    proof = session.get(HASH_SESSION_KEY)
    if not proof or session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return None
    named = str(session.get(SESSION_KEY, ""))
    row = _one(_USER_OF_ID, [int(named)]) if named.isdecimal() else None
    user = None if row is None else _USER.read(row)
    if user is None or not user.is_active or not constant_time_compare(proof, user.get_session_auth_hash()):
        return None
    return user


def _one(statement: str, params: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone()

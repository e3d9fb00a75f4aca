"""Who comes by a join link has no account: a signed cookie, which the browser sends to the pages of one round only,
says which participant it is. With it one can rate there and do nothing else; it ends when the participant is erased."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from accounts.known_user import read_ahead
from annotation.models import Participant

COOKIE = "adjudge_participant"
_SALT = "annotation.participant"
_SECONDS = 7 * 24 * 3600


def remember(response: HttpResponse, participant: Participant) -> None:
    public_id = participant.link.round.public_id
    response.set_cookie(
        COOKIE,
        signing.dumps([public_id, participant.pk], salt=_SALT),
        max_age=_SECONDS,
        path=reverse("annotation:rate", args=[public_id]),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def participant_of(request: HttpRequest, public_id: str) -> Participant | None:
    """The participant who asks, in this round. Whoever is logged in is no participant."""
    if request.user.is_authenticated or COOKIE not in request.COOKIES:
        return None
    try:
        named = signing.loads(request.COOKIES[COOKIE], salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature:
        return None
    if not isinstance(named, list) or named[:1] != [public_id]:
        return None
    rows = Participant.objects.select_related("link__round").filter(erased_at=None, link__round__public_id=public_id)
    return rows.filter(pk=named[1]).first()


def rater_required(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For those who are logged in, and for the participants of the round in the address."""

    @wraps(view)
    def inner(request: HttpRequest, public_id: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
        read_ahead(request)
        participant = participant_of(request, public_id)
        if participant is None and not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        request.participant = participant  # type: ignore[attr-defined]
        return view(request, public_id, *args, **kwargs)

    return inner

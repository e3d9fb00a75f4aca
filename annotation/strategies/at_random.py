from __future__ import annotations

from django.utils.translation import gettext_noop

from annotation.strategies.base import JUMP, Strategy
from annotation.strategies.finish_started import finish_started

STRATEGY = Strategy(
    key="random",
    title=gettext_noop("At random"),
    rater=gettext_noop("Every task is drawn anew, for each rater apart: no two raters share an order."),
    report=gettext_noop(
        "Neither practice nor tiredness falls on certain tasks. Tasks get their raters late: agreement can be "
        "measured only towards the end. The chance of each draw is kept."
    ),
    order=finish_started,
    take=JUMP,
)

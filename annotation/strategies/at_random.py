from __future__ import annotations

from annotation.strategies.base import JUMP, Strategy
from annotation.strategies.finish_started import finish_started

STRATEGY = Strategy(
    key="random",
    title="At random",
    rater="Every task is drawn anew, for each rater apart: no two raters share an order.",
    report="Neither practice nor tiredness falls on certain tasks. Tasks get their raters late: agreement can be "
    "measured only towards the end. The chance of each draw is kept.",
    order=finish_started,
    take=JUMP,
)

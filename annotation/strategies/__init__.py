"""In which order a round hands out its tasks. To add a strategy: a module here, and one line in `STRATEGIES`."""

from __future__ import annotations

from annotation.strategies import at_random, balanced, finish_started, in_order, stratified, uncertain
from annotation.strategies.base import JUMP, WALK, WIN, WINDOW, Candidate, Strategy, drawn, gap_chance

STRATEGIES: dict[str, Strategy] = {
    module.STRATEGY.key: module.STRATEGY
    for module in (balanced, in_order, finish_started, at_random, stratified, uncertain)
}

__all__ = ["JUMP", "STRATEGIES", "WALK", "WIN", "WINDOW", "Candidate", "Strategy", "drawn", "gap_chance"]

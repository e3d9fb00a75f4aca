"""Marks in table cells: positions in per cent, so that a plot stretches and needs no style attribute.

One small module a chart; each takes plain numbers and gives what a template writes into an `svg`."""

from analytics.charts.axis import Axis, Tick
from analytics.charts.bars import Segment, stacked
from analytics.charts.forest import Interval, interval
from analytics.charts.matrix import heat

__all__ = ["Axis", "Interval", "Segment", "Tick", "heat", "interval", "stacked"]

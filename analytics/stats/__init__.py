"""Statistics for human evaluation: arrays in, `results` dataclasses out.

Pure numpy, pandas and scipy: nothing here imports Django, so the same functions run in a notebook on an
export. Start at `registry.METRICS`, which lists every statistic with its source and the levels of
measurement it fits.
"""

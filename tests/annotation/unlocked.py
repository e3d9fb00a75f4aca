"""The product with what makes overlap exact taken away: for the control of the trials, which must notice.

Gone are the transaction with its locks (every statement stands alone) and the fence (whoever submits closes the slot,
held or not). The test itself drops the unique constraints.
"""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

from annotation import claim_sql, claims
from config.wsgi import application

__all__ = ["application"]

FENCE = " AND state = 1 AND holder = {}"

claims.transaction = SimpleNamespace(atomic=nullcontext)  # type: ignore[attr-defined]
claim_sql.for_vendor.cache_clear()
for name, held in (("CLOSE_SLOT", "%s"), ("JUDGE", "%(assignment)s")):
    text = getattr(claim_sql, name)
    fence = FENCE.format(held)
    assert fence in text
    setattr(claim_sql, name, text.replace(fence, " AND %s IS NOT NULL" if held == "%s" else "", 1))

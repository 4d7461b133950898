"""What an axis of counts names: whole numbers alone, and none of them twice."""

from __future__ import annotations

from typing import Any


def named_counts(most: float) -> dict[str, Any]:
    """What Altair's ``Axis`` takes so that an axis from 0 to ``most`` names whole counts.

    Left to itself Vega divides a short axis by halves, and the format rounds them: 0, 1, 1.
    """
    if most < 5:
        return {"values": list(range(int(most) + 1)), "labelExpr": _LABEL}
    return {"tickCount": 4, "labelExpr": _LABEL}


_LABEL = "format(datum.value, datum.value < 10000 ? ',d' : '~s')"

"""p-values of Wald statistics, and their adjustment."""

from __future__ import annotations

import numpy as np
from scipy import stats

# degrees of freedom of a variance between which approximate ones come into use
_CAUTIOUS_UP_TO, _TRUSTED_FROM = 2.0, 8.0


def tail(statistic: np.ndarray, df: np.ndarray, df_residual: np.ndarray) -> np.ndarray:
    """Return the p-values of Wald statistics."""
    chi_squared = np.isinf(df_residual)
    p = np.where(
        chi_squared,
        stats.chi2.sf(statistic, df),
        stats.f.sf(statistic / df, df, np.where(chi_squared, 1.0, df_residual)),
    )
    return np.clip(p, 0.0, 1.0)


def cautious_df(
    approximate: np.ndarray | float, least: np.ndarray | float
) -> np.ndarray:
    """Return degrees of freedom of a sum of two variances that keep the level.

    Parameters
    ----------
    approximate : ndarray or float
        Degrees of freedom by moments, with the shares that the two are estimated to
        have. Those shares are chance where a variance has very few degrees of freedom.
    least : ndarray or float
        The fewer of the degrees of freedom of the two, which are always cautious.

    Returns
    -------
    ndarray
        The least up to 2 of them, the approximate from 8 on, in proportion between.
    """
    trust = np.clip(
        (least - _CAUTIOUS_UP_TO) / (_TRUSTED_FROM - _CAUTIOUS_UP_TO), 0.0, 1.0
    )
    return np.minimum(approximate, least + trust * (approximate - least))


def adjusted_for_number(p: np.ndarray, adjust: str | None) -> np.ndarray:
    """Return p-values adjusted for their number."""
    if adjust is None:
        return p.copy()
    if adjust == "bh":
        return stats.false_discovery_control(p, method="bh")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted

"""The loss as a function of some features, the others always at their best.

Features without a penalty, or with a ridge alone, are eliminated like intercepts: the
loss of what is left is as well conditioned as if they were not there, and its residuals
satisfy their constraint of the dual problem. In rows, what they explain is taken from
targets and features; in moments, it is a Schur complement; for other losses they are
fitted by Newton's method whenever the loss is evaluated, for Newton steps of the rest
no further than these need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.datafits._base import Datafit, centred_targets
from linmtl.datafits._gram import GramFit, additive_fit, scaled_solver
from linmtl.datafits._profiled import ProfiledFit
from linmtl.designs._base import Design
from linmtl.designs._eliminated import EliminatedDesign, Elimination
from linmtl.designs._scaled import ScaledDesign
from linmtl.designs._some import SomeFeatures

_INEXACT = 1e-10  # of a constraint, that moments leave where they lack the digits
_WELL_CONDITIONED = 1e-6  # the least eigenvalue of moments to go by them


@dataclass(frozen=True)
class Eliminated:
    """What is left of a loss.

    Attributes
    ----------
    fit : Datafit
        The loss as a function of the coefficients that are left.
    others : callable
        Returns the best of the others, (n_others, n_columns), for those coefficients.
    features : ndarray of bool of shape (n_features,)
        Those eliminated.
    exact : bool
        Whether a lower bound of what is left is one of the whole: moments may lack the
        digits.
    """

    fit: Datafit
    others: Callable[[np.ndarray], np.ndarray]
    features: np.ndarray
    exact: bool = True


def eliminate(fit: Datafit, features: np.ndarray, ridge: float) -> Eliminated | None:
    """Return a loss without some features, None where it does not come apart.

    Parameters
    ----------
    fit : Datafit
        The loss.
    features : ndarray of bool of shape (n_features,)
        Those to eliminate.
    ridge : float
        The strength of a ridge on them, which the loss that is left includes.

    Notes
    -----
    The last answer for a loss is kept with it: on a path all ask the same.
    """
    last = fit.eliminated
    if last is None or last[1] != ridge or not np.array_equal(last[0], features):
        fit.eliminated = last = features, ridge, _eliminate(fit, features, ridge)
    return last[2]


def _eliminate(fit, features, ridge) -> Eliminated | None:
    if fit.n_columns < fit.b.size:
        return None  # tasks of one column are not apart
    if not fit.holds_rows:
        found, least = _from_moments(fit, features, ridge)
        if fit.rows is None:
            return found
        if found.exact and least >= _WELL_CONDITIONED:

            def left():  # to judge by, where moments lack the digits
                return _from_rows(fit.of_rows, features, ridge).fit.data

            moments = found.fit.moments
            return replace(found, fit=GramFit(moments, fit.loss, left))
        through_rows = _from_rows(fit.of_rows, features, ridge)
        return replace(through_rows, fit=additive_fit(through_rows.fit.data, fit.loss))
    if fit.loss.quadratic and (fit.additive or not ridge):
        return _from_rows(fit, features, ridge)
    return _profiled(fit, features, ridge) if fit.additive else None


def _from_rows(fit, features, ridge) -> Eliminated:
    data = fit.data
    design = data.design
    kept = SomeFeatures(design, np.flatnonzero(~features))
    gone = Elimination.of(
        design.restrict(features), data.weight, data.fit_intercept, ridge
    )
    _, y = centred_targets(data)

    def others(W):
        eta = np.empty_like(y)
        kept.predict(W, eta)
        return gone.coefficients(y - eta)

    design = EliminatedDesign(_without_rounding(kept, gone, data)[0], gone)
    left = replace(data, design=design, y=gone.rest(y))
    return Eliminated(type(fit)(left, fit.loss), others, features)


def _profiled(fit, features, ridge) -> Eliminated:
    data = fit.data
    design = data.design
    gone = Elimination.of(
        design.restrict(features), data.weight, data.fit_intercept, ridge
    )
    kept = SomeFeatures(design, np.flatnonzero(~features))
    design, left = _without_rounding(kept, gone, data)
    profiled = ProfiledFit(replace(data, design=design), fit.loss, gone)

    def others(W):
        profiled.loss_at(W)
        found = profiled.others()
        if not left.all():
            explained = np.empty_like(data.y)
            kept.predict(np.where(left, 0.0, W), explained)
            found -= gone.coefficients(explained)
        return found

    return Eliminated(profiled, others, features)


def _without_rounding(
    kept: Design, gone: Elimination, data: MultiTaskData
) -> tuple[Design, np.ndarray]:
    """Return a design without what others explain up to rounding, and what is left.

    Features of tasks that are nothing but rounding would be features as any others.
    """
    left = gone.leaves(kept, data.weight, data.fit_intercept)
    return (kept if left.all() else ScaledDesign(kept, left.astype(float))), left


def _from_moments(fit, features, ridge) -> tuple[Eliminated, float]:
    """Return what is left of moments, and the least eigenvalue that was inverted."""
    moments, left = fit.moments, ~features
    H, C = moments.H, moments.C
    rows = H[:, features]
    H_ff, H_fp, C_f = rows[:, :, features], rows[:, :, left], C[:, features, None]
    diagonal = np.arange(H_ff.shape[1])
    H_ff[:, diagonal, diagonal] += ridge
    solve, least = scaled_solver(H_ff)
    across, fitted = solve(H_fp), solve(C_f)
    size_f = np.sqrt(np.einsum("cjj->cj", H_ff))
    size_p = np.sqrt(np.einsum("cjj->cj", H[:, left][:, :, left]))
    exact = np.all(
        np.abs(H_fp - H_ff @ across) <= _INEXACT * size_f[:, :, None] * size_p[:, None]
    ) and np.all(
        np.abs(C_f - H_ff @ fitted)[:, :, 0]
        <= _INEXACT * size_f * np.sqrt(moments.square)[:, None]
    )
    H_pp = np.ascontiguousarray(H[:, left][:, :, left])
    H_pp -= H_fp.transpose(0, 2, 1) @ across
    H_pp = (H_pp + H_pp.transpose(0, 2, 1)) / 2
    C_p = C[:, left] - (H_fp.transpose(0, 2, 1) @ fitted)[:, :, 0]
    rest = np.einsum("cjj->cj", H_pp)
    if np.any(rest <= _INEXACT * size_p**2):
        least = 0.0  # rows tell rounding from a feature better
    varies = (rest > _INEXACT * size_p**2).astype(float)
    H_pp *= varies[:, :, None] * varies[:, None]
    C_p *= varies
    explained = np.sum(C_f * fitted, axis=(1, 2))
    reduced = replace(
        moments,
        x=moments.x[:, left],
        H=H_pp,
        C=C_p,
        square=np.maximum(moments.square - explained, 0.0),
    )

    def others(W):
        # one matrix for all columns, or one for each
        return (fitted - across @ W.T[:, :, None])[:, :, 0].T

    found = Eliminated(GramFit(reduced, fit.loss), others, features, bool(exact))
    return found, least

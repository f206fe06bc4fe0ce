"""Squared losses with quadratic penalties, for many strengths at once.

The Hessian of a column has one eigenbasis for all strengths. In it a ridge is a
division, and the pull of the tasks to their mean leaves one small system for the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.datafits._gram import GramFit
from linmtl.datafits._moments import Moments
from linmtl.penalties import Penalty, compose
from linmtl.penalties._quadratic_form import QuadraticForm

_EPS = np.finfo(float).eps
_PIECE = 2_000_000  # numbers that are held at a time
_MOST_FEATURES = 300  # for which moments take the place of few rows


def quadratic_forms(
    penalties: Sequence[Penalty], n_features: int, tasks: np.ndarray
) -> list[QuadraticForm] | None:
    """Return the quadratic form of each penalty, None where one is anything else.

    It is the same for all features, and leaves intercepts free.
    """
    forms = []
    for penalty in penalties:
        whole = compose(penalty, n_features, tasks)
        form = whole.quadratic
        if whole.norm is not None or not isinstance(form, QuadraticForm):
            return None
        if form.varies or whole.intercepts:
            return None
        if form.is_coupled and len(penalties) * form.n_tasks**2 > _PIECE:
            return None
        forms.append(form)
    return forms


def pieces(n_strengths: int, shape: tuple[int, int]) -> Iterator[slice]:
    """Yield parts of a path, whose solutions are no burden to memory."""
    size = max(_PIECE // max(shape[0] * max(shape), 1), 1)
    for start in range(0, n_strengths, size):
        yield slice(start, min(start + size, n_strengths))


class QuadraticPath:
    """The minimisers of a loss plus each of many quadratic forms.

    Parameters
    ----------
    fit : Datafit
        The squared loss, by moments.
    forms : sequence of QuadraticForm
        The penalties.
    """

    def __init__(self, fit: Datafit, forms: Sequence[QuadraticForm]):
        self.fit, self.forms = fit, forms
        h, self.Q = fit.eigenbases
        least = h.shape[1] * _EPS * h.max(axis=1, initial=0.0, keepdims=True)
        self.h = np.where(h > least, h, 0.0)[:, :, None]
        self.scale = fit.loss_at(np.zeros((fit.n_features, fit.n_columns)))

    @classmethod
    def of(
        cls, fit: Datafit, forms: Sequence[QuadraticForm] | None
    ) -> QuadraticPath | None:
        """Return the problems of the loss and these forms, None for any others."""
        if forms is None or not fit.quadratic:
            return None
        apart = all(form.is_diagonal for form in forms)
        through_mean = all(
            not form.is_coupled and form.equal_ridge and form.ridge + form.centred > 0
            for form in forms
        )
        if fit.holds_rows:  # few of each task: their moments are no larger than these
            design, d = fit.data.design, fit.n_features
            if d > _MOST_FEATURES or d * d * design.n_tasks > _PIECE:
                return None
            if design.is_sparse or design.n_columns < design.n_tasks:
                return None
            if not (apart or through_mean or design.columns_alike(fit.data.weight)):
                return None
            fit = GramFit(Moments.of(fit.data), fit.loss, fit.data)
        alike = len(fit.H) == 1
        return cls(fit, forms) if alike or apart or through_mean else None

    def solutions(self, part: slice, tol: float) -> tuple[np.ndarray, np.ndarray]:
        """Return minimisers, (n_forms, n_features, n_columns), and which are good.

        Those of some of the forms. Good is what is within ``tol`` times the loss at
        zero of the minimum: half the Newton decrement, for a quadratic function.
        """
        fit, forms = self.fit, self.forms[part]
        solve = self._system(forms)
        W = solve(fit.C.T[None])
        G = fit.C.T - (fit.H @ W.transpose(2, 1, 0)).transpose(2, 1, 0)
        for gradient, form, w in zip(G, forms, W, strict=True):
            gradient -= form.gradient(w)
        distance = np.abs(np.sum(G * solve(G), axis=(1, 2))) / 2
        stop = tol * self.scale + fit.rounding
        error = np.array([fit.error(w) for w in W])
        return W, distance + error <= stop

    def _system(self, forms) -> Callable[[np.ndarray], np.ndarray]:
        """Return the solver of ``H W + W K = C`` for each K, and each C or one."""
        Q = self.Q
        if len(Q) == 1:
            h = self.h[0, :, 0]
            resolvents = [form.resolvent(h) for form in forms]

            def solve(C):
                V = Q[0].T @ C
                V = np.broadcast_to(V, (len(forms), *V.shape[1:]))
                return Q[0] @ np.array(
                    [resolvent(v) for resolvent, v in zip(resolvents, V, strict=True)]
                )

            return solve
        Qt = Q.transpose(0, 2, 1)
        if all(form.is_diagonal for form in forms):
            inverse = self._inverse(np.array([form.diagonal for form in forms]).T)

            def apart(C):
                V = Q @ (inverse * (Qt @ C.transpose(2, 1, 0)))
                return V.transpose(2, 1, 0)

            return apart
        # the system for the mean of `linmtl.solvers._quadratic_system`
        a = np.array([form.ridge + form.centred for form in forms])
        m = np.array([form.ridge + form.mean for form in forms])
        inverse = self._inverse(a[None])
        basis = np.hstack(list(Q))
        share = ((self.h + m) * inverse).reshape(-1, len(forms)).T / len(Q)
        system = np.array([(basis * part) @ basis.T for part in share])
        size = self.h.shape[1] * _EPS
        for_mean = np.linalg.pinv(system, rcond=size, hermitian=True)

        def through_mean(C):
            alone = Q @ (inverse * (Qt @ C.transpose(2, 1, 0)))
            mean = (for_mean @ alone.mean(axis=0).T[:, :, None])[:, :, 0].T
            W = alone + (a - m) * (Q @ (inverse * (Qt @ mean)))
            return W.transpose(2, 1, 0)

        return through_mean

    def _inverse(self, ridge):
        """Return the inverse eigenvalues with a ridge, (n_columns, n_features, n)."""
        curvature = self.h + ridge[:, None, :]
        out = np.zeros(curvature.shape)
        return np.divide(1.0, curvature, out=out, where=curvature > 0)

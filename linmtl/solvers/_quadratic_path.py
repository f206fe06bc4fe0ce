"""Squared losses with quadratic penalties, for many strengths at once.

The Hessian of a column has one eigenbasis for all strengths. In it a ridge is a
division, and the pull of the tasks to their mean leaves one small system for the mean.
Features with weights, and intercepts that are penalised, are scaled to be penalised
alike. Other couplings take conjugate gradients, for all strengths in step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.datafits._gram import GramFit
from linmtl.datafits._intercepts import carry_intercepts
from linmtl.datafits._moments import LARGEST_SPREAD, Moments
from linmtl.penalties import Penalty, compose
from linmtl.penalties._quadratic_form import QuadraticForm

_EPS = np.finfo(float).eps
_TINY = np.finfo(float).tiny
_STEP_TOL, _MOST_STEPS = 1e-9, 300  # of conjugate gradients
_MAX_NUMBERS = 2_000_000  # numbers that are held at a time
_NEGLIGIBLE = 1e-3  # part of a tolerance
_INVERTIBLE = 1e3  # roundings that the least eigenvalue is above, to invert plainly
_MOST_FEATURES = 300  # for which moments take the place of few rows


@dataclass(frozen=True)
class QuadraticForms:
    """The quadratic forms of the penalties along a path.

    Attributes
    ----------
    each : list of QuadraticForm
        The forms.
    weight : ndarray of shape (n_rows,) or None
        Factors of the rows on the strength on deviations of each form; None where all
        rows of W have the same form.
    intercepts : bool
        Whether the last row is that of intercepts.
    """

    each: list[QuadraticForm]
    weight: np.ndarray | None = None
    intercepts: bool = False

    @property
    def alike(self) -> bool:
        """Whether all rows of W have the same form, and intercepts are free."""
        return self.weight is None

    @property
    def apart(self) -> bool:
        """Whether columns are penalised apart from each other."""
        return all(form.is_diagonal for form in self.each)

    @property
    def through_mean(self) -> bool:
        """Whether columns are coupled by their mean alone, and each is penalised."""
        return all(
            not form.is_coupled and form.equal_ridge and form.ridge + form.centred > 0
            for form in self.each
        )

    def rescaled(self) -> QuadraticForms:
        """Return the forms of coefficients times the roots of the weights.

        Deviations of all rows have the same strength then, means may have their own.
        """
        weight, T = self.weight, self.each[0].n_tasks
        if weight is None:
            return self
        strengths = [np.ravel(form.centred)[0] for form in self.each]
        means = [form.on_mean(weight.size) / weight for form in self.each]
        each = [
            QuadraticForm(T, centred=a, mean=m)
            for a, m in zip(strengths, means, strict=True)
        ]
        return QuadraticForms(each, None, self.intercepts)


def quadratic_forms(
    penalties: Sequence[Penalty], n_features: int, tasks: np.ndarray
) -> QuadraticForms | None:
    """Return the quadratic form of each penalty, None where one has none.

    Forms that differ by feature count as none, unless their strengths on deviations
    differ by the same positive factors for all penalties.
    """
    forms, intercepts = [], False
    for penalty in penalties:
        whole = compose(penalty, n_features, tasks)
        form = whole.quadratic
        if whole.norm is not None or not isinstance(form, QuadraticForm):
            return None
        if form.is_coupled and len(penalties) * form.n_tasks**2 > _MAX_NUMBERS:
            return None
        intercepts = whole.intercepts
        forms.append(form)
    if not intercepts and not any(form.varies for form in forms):
        return QuadraticForms(forms)
    n_rows = n_features + intercepts
    if len(tasks) < 2 or any(f.is_coupled or not f.equal_ridge for f in forms):
        return None
    strength = np.array([form.on_deviations(n_rows) for form in forms])
    if not (np.all(strength > 0) and np.all(np.isfinite(strength))):
        return None
    weight = strength[0] / strength[0, 0]
    if not np.allclose(strength, strength[:, :1] * weight, rtol=1e-14, atol=0.0):
        return None
    return QuadraticForms(forms, weight, intercepts)


def pieces(n_strengths: int, shape: tuple[int, int]) -> Iterator[slice]:
    """Yield slices of a path whose solutions fit into memory together."""
    size = max(_MAX_NUMBERS // max(shape[0] * max(shape), 1), 1)
    for start in range(0, n_strengths, size):
        yield slice(start, min(start + size, n_strengths))


class QuadraticPath:
    """The minimisers of a loss plus each of many quadratic forms.

    Parameters
    ----------
    fit : Datafit
        The squared loss, by moments.
    forms : QuadraticForms
        The penalties.
    """

    def __init__(self, fit: Datafit, forms: QuadraticForms):
        self._base, self._forms = fit, forms
        if forms.intercepts:
            fit = carry_intercepts(fit).fit
        self._factor = None  # of the rows
        if forms.weight is not None:
            self._factor = 1.0 / np.sqrt(forms.weight)
            fit = _rescaled(fit, self._factor)
        self.fit, self.forms = fit, forms.rescaled()
        h, self.Q = fit.eigenbases
        least = h.shape[1] * _EPS * h.max(axis=1, initial=0.0, keepdims=True)
        self.h = np.where(h > least, h, 0.0)[:, :, None]
        self.scale = fit.loss_at(np.zeros((fit.n_features, fit.n_columns)))

    @classmethod
    def of(cls, fit: Datafit, forms: QuadraticForms | None) -> QuadraticPath | None:
        """Return the path of a loss and these forms, None where it is of no use."""
        if forms is None or not fit.quadratic:
            return None
        if fit.holds_rows:  # few of each task: their moments are no larger than these
            design, d = fit.data.design, fit.n_features
            if d > _MOST_FEATURES or d * d * design.n_tasks > _MAX_NUMBERS:
                return None
            if design.is_sparse or design.n_columns < design.n_tasks:
                return None
            fit = GramFit(Moments.of(fit.data), fit.loss, fit.data)
        if not forms.alike:
            large = fit.n_columns * (fit.n_features + 1) ** 2 > LARGEST_SPREAD
            return None if large or fit.moments.tied else cls(fit, forms)
        in_steps = not forms.apart and not forms.through_mean
        size = len(forms.each) * fit.n_columns**2
        if in_steps and len(fit.H) > 1 and size > _MAX_NUMBERS:
            return None
        return cls(fit, forms)

    def coefficients(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return W and the intercepts of what `solutions` returns."""
        if self._forms.intercepts:
            return points[:, :-1], points[:, -1] + carry_intercepts(self._base).shift
        return points, self._base.moments.intercepts(points)

    def solutions(self, part: slice, tol: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the minimisers for a slice of the forms, and which are accurate.

        The minimisers are of shape (n_forms, n_features, n_columns), with a last row
        for intercepts that are penalised. One is accurate where its distance from the
        minimum, half the Newton decrement, is at most ``tol`` times the loss at zero.
        """
        fit, forms = self.fit, QuadraticForms(self.forms.each[part])
        stop = tol * self.scale + fit.rounding
        if len(self.Q) > 1 and (forms.apart or forms.through_mean):
            W, distance = self._in_eigenbases(forms, stop)
            good = distance + fit.error(W) <= stop
            return (W if self._factor is None else self._factor[:, None] * W), good
        solve = self._system(forms.each)
        W = solve(fit.C.T[None])
        G = fit.C.T - (fit.H @ W.transpose(2, 1, 0)).transpose(2, 1, 0)
        for gradient, form, w in zip(G, forms.each, W, strict=True):
            gradient -= form.gradient(w)
        distance = np.abs(np.sum(G * solve(G, 0.1), axis=(1, 2))) / 2
        return W, distance + fit.error(W) <= stop

    def _in_eigenbases(self, forms, stop: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the minimisers, and the half of their Newton decrements.

        Of columns apart from each other but for their mean, each in its eigenbasis.
        Where gradients are so small that these are far below ``stop`` whatever their
        directions, it is what they are at most.
        """
        fit, Q, T = self.fit, self.Q, len(self.Q)
        basis = Q.transpose(1, 0, 2).reshape(fit.n_features, -1)  # of all columns
        back = np.ascontiguousarray(Q.transpose(0, 2, 1))
        if coupled := not forms.apart:
            diagonal = np.array([form.ridge + form.centred for form in forms.each])
            least = np.array([form.on_mean(fit.n_features) for form in forms.each])
            pull = (diagonal[:, None] - least).T  # (n_features, n_forms)
            curvature = np.minimum(diagonal, least.min(axis=1))  # at least
            diagonal = diagonal[None]
        else:
            diagonal = np.array([form.diagonal for form in forms.each]).T
            curvature = diagonal.min(axis=0)
        inverse = self._inverse(diagonal)  # (n_columns, n_features, n_forms)
        if coupled:
            for_mean = self._for_mean(diagonal[0], least, inverse, basis)

        def mean(alone):  # of what it is in the eigenbases
            return basis @ alone.reshape(basis.shape[1], -1) / T

        V = inverse * (back @ fit.C[:, :, None])
        if coupled:
            common = (for_mean @ mean(V).T[:, :, None])[:, :, 0].T
            V += inverse * (basis.T @ (pull * common)).reshape(V.shape)
        W = Q @ V
        G = fit.H @ W
        np.multiply(diagonal[:, None], W, out=V)
        G += V
        G -= fit.C[:, :, None]
        if coupled:
            G -= pull * W.mean(axis=0)
        square = np.einsum("tjn,tjn->n", G, G)
        if np.all(square <= _NEGLIGIBLE * stop * curvature):
            return W.transpose(2, 1, 0), square / np.maximum(2 * curvature, _TINY)
        G = back @ G
        V = inverse * G
        decrement = np.sum(G * V, axis=(0, 1))
        if coupled:
            common = mean(V)
            moved = (for_mean @ common.T[:, :, None])[:, :, 0].T
            decrement += T * np.sum(common * pull * moved, axis=0)
        return W.transpose(2, 1, 0), np.abs(decrement) / 2

    def _for_mean(self, a, m, inverse, basis):
        """Return the inverse of the system for the mean, of each form.

        See `linmtl.solvers._quadratic_system`. The system is ``P + R diag(m)``, R the
        mean of the ``(H_t + a)^-1`` and ``P = I - a R``: one of the two says the other
        without cancellation, for all m, (n_forms, n_features).
        """
        kept = self.fit.mean_resolvents
        if kept is None or not np.array_equal(kept[0], a):
            weak = a < self.h.max(initial=0.0)
            weights = inverse * np.where(weak, 1.0, self.h)
            known = self._weighted_products(weights.reshape(-1, len(a)).T, basis)
            known /= len(self.Q)
            eye, scale, weak = np.eye(len(basis)), a[:, None, None], weak[:, None, None]
            P = np.where(weak, eye - scale * known, known)
            R = np.where(weak, known, (eye - known) / scale)
            self.fit.mean_resolvents = kept = a, P, R
        _, P, R = kept
        system = P + R * m[:, None, :]
        size = self.h.shape[1] * _EPS
        if np.all(m.T * inverse.min(axis=(0, 1)) > _INVERTIBLE * size):
            return np.linalg.inv(system)
        alike = bool(np.all(m == m[:, :1]))  # symmetric
        return np.linalg.pinv(system, rcond=size, hermitian=alike)

    def _weighted_products(self, weights, basis):
        """Return for each row of weights the sum of ``weight * q q'``.

        The vectors q are the columns of ``basis``.
        """
        d = len(basis)
        row, column = np.triu_indices(d)
        if row.size * basis.shape[1] > _MAX_NUMBERS:
            return np.array([(basis * weight) @ basis.T for weight in weights])
        out = np.empty((len(weights), d, d))
        out[:, row, column] = weights @ (basis[row] * basis[column]).T
        out[:, column, row] = out[:, row, column]
        return out

    def _system(self, forms) -> Callable[..., np.ndarray]:
        """Return the solver of ``H W + W K = C``, for each K and one C or as many.

        Its second argument is a relative tolerance, for systems solved iteratively.
        """
        Q = self.Q
        if len(Q) > 1:
            return self._in_steps(forms)
        h = self.h[0, :, 0]
        resolvents = [form.resolvent(h) for form in forms]

        def solve(C, tol=0.0):
            V = Q[0].T @ C
            V = np.broadcast_to(V, (len(forms), *V.shape[1:]))
            return Q[0] @ np.array(
                [resolvent(v) for resolvent, v in zip(resolvents, V, strict=True)]
            )

        return solve

    def _in_steps(self, forms):
        """Conjugate gradients for all K, preconditioned by the mean Hessian.

        And by eigenvectors of the mean K: those of a graph and a ridge are the same
        whatever the strengths.
        """
        H = self.fit.H
        K = np.array([form.dense() for form in forms])
        h, P = np.linalg.eigh(H.mean(axis=0))
        size = np.abs(K).max(axis=(1, 2), initial=_TINY)
        _, V = np.linalg.eigh(np.sum(K / size[:, None, None], axis=0))
        k = np.sum(V * (K @ V), axis=1)
        curvature = np.maximum(h, 0.0)[:, None] + np.maximum(k, 0.0)[:, None, :]
        least = _EPS * curvature.max(axis=(1, 2), keepdims=True)
        curvature = np.maximum(curvature, np.maximum(least, _TINY))

        def times(W, V):  # in one product
            return (W.reshape(-1, len(V)) @ V).reshape(W.shape)

        def solve(C, tol=_STEP_TOL):
            out = np.zeros((len(forms), *C.shape[1:]))
            at, bend, own = np.arange(len(forms)), curvature, K

            def precondition(R):
                return times(P @ (times(P.T @ R, V) / bend), V.T)

            R = np.array(np.broadcast_to(C, out.shape))
            W, Z = out.copy(), precondition(R)
            move = Z.copy()
            size = np.sum(R * Z, axis=(1, 2))
            stop = tol**2 * size
            for _ in range(_MOST_STEPS):
                done = size <= stop
                if done.any():  # the others go on without them
                    out[at[done]] = W[done]
                    rest = ~done
                    at, bend, own = at[rest], bend[rest], own[rest]
                    W, R, move = W[rest], R[rest], move[rest]
                    size, stop = size[rest], stop[rest]
                if not at.size:
                    break
                AM = (H @ move.transpose(2, 1, 0)).transpose(2, 1, 0) + move @ own
                along = np.sum(move * AM, axis=(1, 2))
                step = np.divide(size, along, out=np.zeros_like(size), where=along > 0)
                if not step.any():
                    break
                W += step[:, None, None] * move
                R -= step[:, None, None] * AM
                Z = precondition(R)
                following = np.where(step > 0, np.sum(R * Z, axis=(1, 2)), size)
                move = Z + (following / size)[:, None, None] * move
                size = following
            out[at] = W
            return out

        return solve

    def _inverse(self, ridge):
        """Return the inverse eigenvalues with a ridge, (n_columns, n_features, n)."""
        curvature = self.h + ridge[:, None, :]
        out = np.zeros(curvature.shape)
        return np.divide(1.0, curvature, out=out, where=curvature > 0)


def _rescaled(fit, factor):
    """Return the loss of coefficients over factors, one for each row of W.

    Kept with it: settings that differ in other strengths have the same factors.
    """
    if fit.rescaled is None or not np.array_equal(fit.rescaled[0], factor):
        moments = fit.moments
        H, C = moments.H * (factor[:, None] * factor), moments.C * factor
        part = GramFit(replace(moments, H=H, C=C), fit.loss)
        if moments.shared:
            h, Q = part.eigenbases
            T = part.n_columns
            part = GramFit(part.moments.spread(), fit.loss)
            part.eigenbases = np.repeat(h, T, axis=0), np.repeat(Q, T, axis=0)
        fit.rescaled = factor, part
    return fit.rescaled[1]

"""Any penalty on what the tasks have beside a common model: W = m 1' + U."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.linalg import block_diag, helmert

from linmtl.kernels._jit import readonly
from linmtl.kernels._rows import shrink_means
from linmtl.penalties._base import DualTerms, Penalty, check_is_penalty
from linmtl.penalties._decomposition import Decomposition, Stacked
from linmtl.penalties._group_l21 import GroupL21
from linmtl.penalties._l21 import L21
from linmtl.penalties._parameters import (
    check_free_intercepts,
    check_intercept_weight,
    is_positive,
    times,
)
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.penalties._task_relationship import TaskRelationship

_ROUNDING = 1e-12  # of a row that all tasks share, relative to it


class Deviation(Decomposition):
    """``min over m of penalty(W - m 1') + alpha_mean / 2 * T ||m||^2``.

    Draws the tasks to a common model m instead of to zero. The penalty says in which
    way they deviate from it: in few features (L21), along few directions (trace norm),
    in few tasks (`TaskL21`). As it grows the tasks become one model, with intercepts of
    their own.

    Parameters
    ----------
    penalty : Penalty
        The penalty on the deviations ``W - m 1'``: one that is zero at zero only. Of
        quadratic penalties `MeanRegularized` is what this would be.
    alpha_mean : float, default=0.0
        Strength of a ridge on the common model, >= 0; at 0 it is free.
    alpha_mean_l1 : float, default=0.0
        Strength of an L1 penalty ``alpha_mean_l1 * ||m||_1`` in its place, >= 0. With
        L1 as the penalty this is the data shared lasso.
    intercept_weight : float, default=0.0
        Factor >= 0 on the penalty's ``alpha`` for the intercepts, which are drawn to
        their mean as by `MeanRegularized`. 0 leaves them free.

    Notes
    -----
    ``coef_components_`` of a fitted estimator holds the parts, under "mean" and
    "deviation", and ``coef_mean_`` the common model.

    References
    ----------
    Gross, Tibshirani (2016), Data shared lasso: a novel tool to discover uplift.
    Duan, Wang (2023), Adaptive and robust multi-task learning.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.penalties import L1, Deviation
    >>> W = np.array([[3.0, 3.0, 5.0]])
    >>> float(round(Deviation(L1(0.5)).value(W), 6))
    1.0
    """

    part_names: ClassVar[tuple[str, str]] = ("mean", "deviation")
    takes_classes: ClassVar[bool] = True
    means: Means | None = None  # of columns of several classes: one for each

    def __init__(
        self,
        penalty: Penalty,
        alpha_mean: float = 0.0,
        *,
        alpha_mean_l1: float = 0.0,
        intercept_weight: float = 0.0,
    ):
        self.penalty = penalty
        self.alpha_mean = alpha_mean
        self.alpha_mean_l1 = alpha_mean_l1
        self.intercept_weight = intercept_weight

    def parts(self):
        return Common(self.alpha_mean, self.alpha_mean_l1), self.penalty

    def check(self, n_features, tasks):
        inner: Any = self.penalty
        check_is_penalty(inner)
        if self.alpha_mean and self.alpha_mean_l1:
            raise ValueError(
                "Deviation: alpha_mean and alpha_mean_l1 are both positive; set one of "
                "them to 0"
            )
        check_intercept_weight(self)
        if not np.isfinite(self.intercept_weight):
            raise ValueError("Deviation: intercept_weight must be finite")
        if self.intercept_weight and not hasattr(inner, "alpha"):
            raise ValueError(
                "Deviation: intercept_weight is a factor on the alpha of the penalty, "
                f"and {type(inner).__name__} has none; set it to 0"
            )
        if inner.smooth:
            raise ValueError(
                f"Deviation: {type(inner).__name__} is quadratic; use MeanRegularized "
                "for a ridge on the deviations"
            )
        simple = not isinstance(inner, Decomposition) and len(inner.expand(tasks)) == 1
        if not (inner.convex and simple):
            raise ValueError(
                f"Deviation takes one convex penalty with a prox, got {inner!r}"
            )
        if getattr(inner, "positive", False):
            raise ValueError(
                "Deviation: positive=True is for coefficients, not for deviations"
            )
        super().check(n_features, tasks)

    def _parts_that_cost(self):
        return [(self.penalty, "deviation")]

    def bind(self, tasks):
        return self._around(self.penalty.bind(tasks), self.means)

    def _around(self, penalty: Penalty, means: Means | None) -> Deviation:
        out = Deviation(
            penalty,
            self.alpha_mean,
            alpha_mean_l1=self.alpha_mean_l1,
            intercept_weight=self.intercept_weight,
        )
        out.means = means
        return out

    def with_largest_strength(self, n_columns):
        """Return the same without a penalty on the common model, if there is one."""
        means = self.means
        if not (n_columns > 1 if means is None else np.any(means.size > 1)):
            return None  # each mean is that of one column: no deviations
        out = self._around(self.penalty, means)
        out.alpha_mean = out.alpha_mean_l1 = 0.0
        return out

    def of_classes(self, classes):
        check_free_intercepts(self)
        inner = self.penalty.of_classes(classes)
        return self._around(inner, Means(classes.code, classes.classes.size))

    @property
    def ordered(self) -> bool:  # type: ignore[override]
        return self.penalty.ordered

    @property
    def draws_intercepts(self) -> bool:
        alpha = getattr(self.penalty, "alpha", None)
        return is_positive(alpha) and is_positive(self.intercept_weight)

    def stacked(self, tasks, n_features=None):
        """Return the penalty on the common part above the deviations.

        Both with a row for the intercepts below their ``n_features``, if that is given.
        """
        common = Common(self.alpha_mean, self.alpha_mean_l1, n_features, self.means)
        inner = self.penalty.bind(tasks)
        inner = inner.joined([]) or inner
        if n_features is not None:
            inner = AboveIntercepts(inner, self.intercept_strength)
        return AroundCommon(common, inner)

    def shared_out(self, W):
        return _mean_and_rest(W, self.means)

    def about_mean(self) -> AboutMean | None:
        """Return this penalty as a semi-norm of W, where it is one of known prox.

        A penalty that is the same for every rotation of the tasks is least about their
        mean; where that is free there is nothing else to find.
        """
        inner = self.penalty
        if self.alpha_mean or self.alpha_mean_l1 or self.intercept_strength:
            return None
        rotated = inner.spectral or isinstance(inner, (L21, GroupL21, TaskRelationship))
        if not rotated or inner.joined([]) is not inner:
            return None
        return AboutMean(inner, self.means)

    def value(self, W):
        about_mean = self.about_mean()
        return super().value(W) if about_mean is None else about_mean.value(W)

    def prox(self, V, step, out):
        about_mean = self.about_mean()
        if about_mean is None:
            return super().prox(V, step, out)
        return about_mean.prox(V, step, out)

    @property
    def intercept_strength(self) -> float:
        """The strength of a ridge on the deviations of the intercepts."""
        inner: Any = self.penalty
        if not self.intercept_weight:
            return 0.0
        return float(times(inner.alpha, self.intercept_weight))

    def fitted_attributes(self, W, parts, tasks):
        found: dict[str, Any] = super().fitted_attributes(W, parts, tasks)
        mean, means = parts["mean"], self.means
        found["coef_mean_"] = (
            mean[:, 0].copy() if means is None else means.by_class(mean)
        )
        return found | self.penalty.fitted_attributes(parts["deviation"], {}, tasks)


class AboutMean(Penalty):
    """A penalty on the deviations of the columns of W from their mean."""

    def __init__(self, inner: Penalty, means: Means | None = None):
        self.inner = inner
        self.means = means

    @property
    def row_separable(self) -> bool:  # type: ignore[override]
        return self.inner.row_separable

    def parts(self, W: np.ndarray) -> dict[str, np.ndarray]:
        """Return the mean, for each task, and the deviations from it."""
        mean, deviation = _mean_and_rest(W, self.means)
        return dict(zip(Deviation.part_names, (mean, deviation), strict=True))

    def value(self, W):
        return self.inner.value(_mean_and_rest(W, self.means)[1])

    def prox(self, V, step, out):
        mean, rest = _mean_and_rest(V, self.means)
        value = self.inner.prox(rest, step, out)
        out += mean
        return value

    def prox_naive(self, V, step):
        mean, rest = _mean_and_rest(V, self.means)
        return mean + self.inner.prox_naive(rest, step)

    def tangent(self, W):
        # the mean moves without bending, deviations as rows of one column less
        if self.means is not None:
            return None
        d, T = W.shape
        rest = _mean_and_rest(W, None)[1]
        length = np.linalg.norm(rest, axis=1)
        rest[length <= _ROUNDING * np.linalg.norm(W, axis=1)] = 0.0
        contrasts = helmert(T)
        found = self.inner.tangent(rest @ contrasts.T)
        if found is None:
            return None
        basis = np.tensordot(contrasts.T, found[0], axes=1)
        of_mean = np.broadcast_to(np.eye(d) / np.sqrt(T), (T, d, d))
        bend = block_diag(np.zeros((d, d)), found[1])
        return np.concatenate([of_mean, basis], axis=2), bend

    def prepared(self, shape):
        return AboutMean(self.inner.prepared(shape), self.means)

    def dual_norm(self, G):
        return self.inner.dual_norm(G)

    def dual_terms(self, D):
        return self.inner.dual_terms(D)

    def null_form(self, n_tasks):
        return _differences(n_tasks, self.means)


class Means:
    """The means over the columns of a class.

    Parameters
    ----------
    code : ndarray of int of shape (n_columns,)
        The class of each column.
    n_classes : int
        The number of classes.
    """

    def __init__(self, code: np.ndarray, n_classes: int):
        self.code = code
        self.member = (code[:, None] == np.arange(n_classes)).astype(float)
        self.size = self.member.sum(axis=0)  # zero of a class whose rows do not count

    def of(self, W: np.ndarray) -> np.ndarray:
        """Return for each column the mean of its class, of the shape of W."""
        return (W @ self.member / np.maximum(self.size, 1.0))[:, self.code]

    def by_class(self, mean: np.ndarray) -> np.ndarray:
        """Return the columns of the classes, (n_classes, n_rows), NaN where none."""
        out = np.full((self.size.size, len(mean)), np.nan)
        out[self.code] = mean.T
        return out


def _mean_and_rest(W: np.ndarray, means: Means | None) -> tuple[np.ndarray, np.ndarray]:
    if means is None:
        mean = np.repeat(W.mean(axis=1, keepdims=True), W.shape[1], axis=1)
    else:
        mean = means.of(W)
    return mean, W - mean


def _differences(n_tasks: int, means: Means | None) -> QuadraticForm:
    """Return the form of the deviations from the mean."""
    if means is None:
        return QuadraticForm(n_tasks, centred=1.0)
    every = np.eye(n_tasks)
    return QuadraticForm(n_tasks, matrix=every - means.of(every))


class AroundCommon(Stacked):
    """The penalty on a common model above that on the deviations from it."""

    first: Common

    def ridges_on_mean(self, n_features):
        ridge, l1 = self.first.strengths(n_features)
        return None if l1.any() else ridge


class Common(Penalty):
    """Finite where all columns are the same m, with a ridge or an L1 penalty on it.

    Or where all of a class are, of several classes.

    Parameters
    ----------
    ridge, l1 : float
        Their strengths; m is free where both are zero.
    n_features : int, default=None
        The number of features, where a row below them is that of the intercepts, whose
        mean is free.
    means : Means, default=None
        Those of several classes.
    """

    def __init__(
        self,
        ridge: float,
        l1: float,
        n_features: int | None = None,
        means: Means | None = None,
    ):
        self.ridge = ridge
        self.l1 = l1
        self.n_features = n_features
        self.means = means

    def _groups(self, n_tasks: int) -> Means:
        return self.means or Means(np.zeros(n_tasks, dtype=int), 1)

    def strengths(self, n_rows: int) -> np.ndarray:
        """Return the ridge and the L1 strength of each row, (2, n_rows)."""
        strengths = np.array([[self.ridge], [self.l1]]).repeat(n_rows, axis=1)
        if self.n_features is not None:
            strengths[:, self.n_features :] = 0.0
        return strengths

    def null_form(self, n_tasks):
        n_rows = 1 if self.n_features is None else self.n_features + 1
        free = self.strengths(n_rows).sum(axis=0) == 0
        if not free.any():
            return None
        if self.means is not None:
            return _differences(n_tasks, self.means)
        return QuadraticForm(n_tasks, centred=1.0, mean=np.where(free, 0.0, 1.0))

    def value(self, W):
        means = self._groups(W.shape[1])
        m = means.by_class(W).T
        if np.any(m[:, means.code] != W):
            return np.inf
        return self._cost(np.nan_to_num(m), means)

    def _cost(self, m, means):
        ridge, l1 = self.strengths(len(m))
        return float(ridge @ m**2 @ means.size / 2 + (l1 @ np.abs(m)).sum())

    def prepared(self, shape):
        return CommonStrengths(self, self._groups(shape[1]), shape[0])

    def prox(self, V, step, out):
        return self.prepared(V.shape).prox(V, step, out)

    def prox_naive(self, V, step):
        out = np.empty_like(V)
        self.prox(V, step, out)
        return out

    def dual_norm(self, G):
        """Return that of an L1 penalty on m; the gradient along a free m is zero."""
        return self.dual_terms(G).norm

    def dual_terms(self, D):
        ridge, l1 = self.strengths(len(D))
        means = self._groups(D.shape[1])
        along, size = D @ means.member, np.maximum(means.size, 1.0)
        norm = np.abs(along[l1 > 0] / l1[l1 > 0, None]).max(initial=0.0)
        square = np.sum(along[ridge > 0] ** 2 / (2 * size * ridge[ridge > 0, None]))
        return DualTerms(norm=float(norm), square=float(square))


class CommonStrengths(Penalty):
    """The penalty on a common model for one shape of W, its strengths by row."""

    def __init__(self, common: Common, means: Means, n_rows: int):
        self._common = common
        self._given = [readonly(a) for a in (means.code, means.size)]
        self._given += [readonly(a) for a in common.strengths(n_rows)]

    def value(self, W):
        return self._common.value(W)

    def prox(self, V, step, out):
        V = readonly(np.ascontiguousarray(V))
        return shrink_means(V, *self._given, float(step), out)


class AboveIntercepts(Penalty):
    """A penalty on all rows but the last, which is that of intercepts, with a ridge."""

    def __init__(self, inner: Penalty, ridge: float):
        self.inner = inner
        self.ridge = ridge

    def value(self, W):
        return self.inner.value(W[:-1]) + self.ridge / 2 * float(W[-1] @ W[-1])

    def prox(self, V, step, out):
        value = self.inner.prox(V[:-1], step, out[:-1])
        out[-1] = V[-1] / (1.0 + step * self.ridge)
        return value + self.ridge / 2 * float(out[-1] @ out[-1])

    def prepared(self, shape):
        inner = self.inner.prepared((shape[0] - 1, shape[1]))
        return AboveIntercepts(inner, self.ridge)

    def dual_terms(self, D):
        norm, support, square = self.inner.dual_terms(D[:-1])
        return DualTerms(
            norm, support, square + float(D[-1] @ D[-1]) / (2 * self.ridge)
        )

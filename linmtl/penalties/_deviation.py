"""Any penalty on what the tasks have beside a common model: W = m 1' + U."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from linmtl.penalties._base import DualTerms, Penalty, check_is_penalty
from linmtl.penalties._decomposition import Decomposition, Stacked
from linmtl.penalties._group_l21 import GroupL21
from linmtl.penalties._l21 import L21
from linmtl.penalties._parameters import check_intercept_weight, is_positive, times
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.penalties._task_relationship import TaskRelationship


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
        return Deviation(
            self.penalty.bind(tasks),
            self.alpha_mean,
            alpha_mean_l1=self.alpha_mean_l1,
            intercept_weight=self.intercept_weight,
        )

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
        common = Common(self.alpha_mean, self.alpha_mean_l1, n_features)
        inner = self.penalty.bind(tasks)
        inner = inner.joined([]) or inner
        if n_features is not None:
            inner = AboveIntercepts(inner, self.intercept_strength)
        return AroundCommon(common, inner)

    def shared_out(self, W):
        return _mean_and_rest(W)

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
        return AboutMean(inner)

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
        found = super().fitted_attributes(W, parts, tasks)
        found["coef_mean_"] = parts["mean"][:, 0].copy()
        return found | self.penalty.fitted_attributes(parts["deviation"], {}, tasks)


class AboutMean(Penalty):
    """A penalty on the deviations of the columns of W from their mean."""

    def __init__(self, inner: Penalty):
        self.inner = inner

    @property
    def row_separable(self) -> bool:  # type: ignore[override]
        return self.inner.row_separable

    def parts(self, W: np.ndarray) -> dict[str, np.ndarray]:
        """Return the mean, for each task, and the deviations from it."""
        mean, deviation = _mean_and_rest(W)
        return dict(zip(Deviation.part_names, (mean, deviation), strict=True))

    def value(self, W):
        return self.inner.value(_mean_and_rest(W)[1])

    def prox(self, V, step, out):
        mean, rest = _mean_and_rest(V)
        value = self.inner.prox(rest, step, out)
        out += mean
        return value

    def prox_naive(self, V, step):
        mean, rest = _mean_and_rest(V)
        return mean + self.inner.prox_naive(rest, step)

    def dual_norm(self, G):
        return self.inner.dual_norm(G)

    def dual_terms(self, D):
        return self.inner.dual_terms(D)

    def null_form(self, n_tasks):
        return QuadraticForm(n_tasks, centred=1.0)


def _mean_and_rest(W: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = np.repeat(W.mean(axis=1, keepdims=True), W.shape[1], axis=1)
    return mean, W - mean


class AroundCommon(Stacked):
    """The penalty on a common model above that on the deviations from it."""

    first: Common

    def ridges_on_mean(self, n_features):
        ridge, l1 = self.first.strengths(n_features)
        return None if l1.any() else ridge


class Common(Penalty):
    """Finite where all columns are the same m, with a ridge or an L1 penalty on it.

    Parameters
    ----------
    ridge, l1 : float
        Their strengths; m is free where both are zero.
    n_features : int, default=None
        The number of features, where a row below them is that of the intercepts, whose
        mean is free.
    """

    def __init__(self, ridge: float, l1: float, n_features: int | None = None):
        self.ridge = ridge
        self.l1 = l1
        self.n_features = n_features

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
        return QuadraticForm(n_tasks, centred=1.0, mean=np.where(free, 0.0, 1.0))

    def value(self, W):
        ridge, l1 = self.strengths(len(W))
        if np.any(W[:, :1] != W):
            return np.inf
        m = W[:, 0]
        return float(W.shape[1] * ridge @ m**2 / 2 + l1 @ np.abs(m))

    def prox(self, V, step, out):
        ridge, l1 = self.strengths(len(V))
        T, mean = V.shape[1], V.mean(axis=1)
        m = np.sign(mean) * np.maximum(np.abs(mean) - step * l1 / T, 0.0)
        m /= 1.0 + step * ridge
        out[...] = m[:, None]
        return float(T * ridge @ m**2 / 2 + l1 @ np.abs(m))

    def prox_naive(self, V, step):
        out = np.empty_like(V)
        self.prox(V, step, out)
        return out

    def dual_norm(self, G):
        """Return that of an L1 penalty on m; the gradient along a free m is zero."""
        return self.dual_terms(G).norm

    def dual_terms(self, D):
        ridge, l1 = self.strengths(len(D))
        along, T = D.sum(axis=1), D.shape[1]
        norm = np.abs(along[l1 > 0] / l1[l1 > 0]).max(initial=0.0)
        square = np.sum(along[ridge > 0] ** 2 / ridge[ridge > 0]) / (2 * T)
        return DualTerms(norm=float(norm), square=float(square))


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

    def dual_terms(self, D):
        norm, support, square = self.inner.dual_terms(D[:-1])
        return DualTerms(
            norm, support, square + float(D[-1] @ D[-1]) / (2 * self.ridge)
        )

"""Which features matter in some task: coefficients without the bias of a penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import expit
from sklearn.base import clone
from sklearn.covariance import ledoit_wolf

from linmtl.data._checks import check_choice, is_number
from linmtl.data._fit_input import FitInput
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._l1 import L1Regressor
from linmtl.estimators._l21 import L21RegressorCV
from linmtl.estimators._task_model import speaking_as
from linmtl.inference._bootstrap import feature_names

_EXACT_FROM = 2.0  # rows over features from which other features are regressed out
_DEPENDENT = 1e-10  # share that is rounding, where a column is a sum of others
_GROUPS = 10  # of features, each weighed by the others
_FIRST_SPREAD, _FIRST_SHARE = np.array([4.0, 2.0]), 0.1  # what EM starts from
_EM_STEPS = 40
_NODES = 100  # of an integral
_LEAST_FREEDOM = 2.0  # degrees of freedom of a task's noise that say anything


@dataclass(frozen=True, eq=False, repr=False)
class DebiasedCoefficients:
    """Coefficients of each task with standard errors, and a test of each feature.

    Parameters
    ----------
    coef, standard_error, low, high, p_value : ndarray of shape (n_tasks, n_features)
        Estimates, their standard errors, intervals, and p-values of being zero. NaN
        for a task whose rows leave nothing to estimate its noise from, and for a
        feature that is constant in it or a sum of others, as one of the indicators of
        all levels: drop one.
    statistic : ndarray of shape (n_features,)
        Chi-square statistic of the hypothesis that a feature has no coefficient in any
        task.
    degrees_of_freedom : ndarray of int of shape (n_features,)
        Of the statistics: the tasks that say something.
    common : ndarray of shape (n_features,)
        The part of `statistic`, with one degree of freedom, that a coefficient common
        to all tasks explains.
    feature_p_value, adjusted : ndarray of shape (n_features,)
        The p-value of that hypothesis by the test asked for, and the same adjusted for
        the number of features (Benjamini and Hochberg).
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    feature_names : ndarray of shape (n_features,)
        Names of the columns, ``x0``, ``x1``, ... where X has none.
    confidence_level : float
        That of each interval.

    See Also
    --------
    debiased_coefficients : Makes them, with an example.
    """

    coef: np.ndarray
    standard_error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_value: np.ndarray
    statistic: np.ndarray
    degrees_of_freedom: np.ndarray
    common: np.ndarray
    feature_p_value: np.ndarray
    adjusted: np.ndarray
    tasks: np.ndarray
    feature_names: np.ndarray
    confidence_level: float

    def __repr__(self) -> str:
        found = int(np.sum(self.adjusted <= 1 - self.confidence_level))
        T, d = self.coef.shape
        return (
            f"<DebiasedCoefficients: {T} tasks, {d} features, {found} with an adjusted "
            f"p-value of at most {1 - self.confidence_level:g}>"
        )

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row for each feature, the surest first.

        Returns
        -------
        DataFrame
            Tests of each feature over all tasks.
        """
        import pandas as pd

        frame = pd.DataFrame(
            {
                "statistic": self.statistic,
                "degrees_of_freedom": self.degrees_of_freedom,
                "common": self.common,
                "p_value": self.feature_p_value,
                "adjusted": self.adjusted,
                "mean_coef": _mean_over_tasks(self.coef),
                "largest_coef": np.nanmax(np.abs(self.coef), axis=0, initial=0.0),
            },
            index=pd.Index(self.feature_names, name="feature"),
        )
        return frame.sort_values("p_value", kind="stable")


def debiased_coefficients(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    estimator: MultiTaskModel | None = None,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    test: Literal["adaptive", "chi2"] = "adaptive",
    confidence_level: float = 0.95,
) -> DebiasedCoefficients:
    """Test each feature in all tasks at once, and give every coefficient an interval.

    A joint penalty finds the features with the help of all tasks and draws their
    coefficients towards zero; one step of correction in each task takes the bias away.
    Under the hypothesis that a feature has no coefficient in any task, the sum over the
    tasks of the squared corrected coefficients over their variances is chi-square, and
    so are its two parts: what a common coefficient explains, and the rest.

    Parameters
    ----------
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Samples.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Targets, in any layout of the estimators.
    tasks : array-like of shape (n_samples,), default=None
        The task label of each row.
    estimator : regressor, default=None
        The joint model; by default ``L21RegressorCV()``.
    sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
        Weights >= 0, taken for precisions: of a row of weight 2 the noise has half the
        variance.
    offset : float or array-like of shape (n_samples,) or of y's shape, default=None
        A known part of y.
    test : {"adaptive", "chi2"}, default="adaptive"
        How features are tested: by a sum of the two parts with weights that suit how
        alike the coefficients of the other features are in the tasks, or by the whole.
    confidence_level : float, default=0.95
        Level of the intervals, each on its own.

    Returns
    -------
    DebiasedCoefficients
        Coefficients, standard errors and tests of each feature.

    Raises
    ------
    ValueError
        If an argument is not allowed, or no task has rows enough.

    Notes
    -----
    The correction of coefficient j of task t is ``z' r / z' x``, with the residuals r
    of the joint model, the column x, and z what the other columns leave of x: by least
    squares where the task has more than twice as many rows as features, otherwise by a
    lasso of strength ``sqrt(log(d) / (2 n))`` for standardised columns, one for each
    feature. The noise of a task is what least squares on the features that the joint
    model has chosen leave of y; statistics allow for its degrees of freedom. With a
    wide Y the noise of tasks is correlated within a row: the chi-square takes the
    correlations of the residuals into account, shrunk as Ledoit and Wolf do.

    The weights of ``test="adaptive"`` are those of the most powerful test of no
    coefficients against coefficients of a variance that is common to the tasks and one
    that is each task's own; the two are those of features that have coefficients, found
    by an EM algorithm on other tenths of the features than the one tested. The p-value
    is that of a sum of two chi-squares with these weights. Where coefficients are alike
    it finds much more than the whole, where they are not, about as much.

    What is left of the bias is of the order of the error of the joint model times the
    correlation of features. With fewer rows than features intervals of coefficients
    that are not zero cover less than they say (0.87 to 0.95 in simulations at 0.95),
    those of zero coefficients, and so the tests, hold their level.

    References
    ----------
    Zhang, Zhang (2014), Confidence intervals for low dimensional parameters in high
    dimensional linear models.
    Bellec, Romon (2021), Chi-square and normal inference in high-dimensional multi-task
    regression.
    Ledoit, Wolf (2004), A well-conditioned estimator for large-dimensional covariance
    matrices.

    Examples
    --------
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.inference import debiased_coefficients
    >>> X, y, tasks = make_multitask_regression(n_samples=60, random_state=0)
    >>> found = debiased_coefficients(X, y, tasks)
    >>> int((found.adjusted <= 0.05).sum())
    5
    """
    check_choice("test", test, ("adaptive", "chi2"))
    if not (is_number(confidence_level) and 0 < confidence_level < 1):
        raise ValueError(
            f"confidence_level must be between 0 and 1, got {confidence_level!r}"
        )
    model: Any = speaking_as("debiased_coefficients", L21RegressorCV())
    if estimator is not None:
        model = clone(estimator)
    if not isinstance(model, MultiTaskModel) or model._classify:
        raise ValueError(f"estimator must be a regressor of linmtl, got {estimator!r}")
    if not model._loss().quadratic:
        raise ValueError(
            f"estimator has loss={model._loss().name!r}; the noise is that of squared "
            "errors here"
        )
    model.fit(X, y, tasks, sample_weight, offset=offset)
    given = model._read_fit(
        X, y, tasks, sample_weight, offset, incomplete=model._takes_absent
    )
    W = np.atleast_2d(model.coef_).astype(float)
    T, d = W.shape
    coef, error, freedom = np.full((T, d), np.nan), np.full((T, d), np.nan), np.zeros(T)
    residuals = []
    for t in range(T):
        A, target = _rows_of(given, t, model.fit_intercept)
        coef[t], error[t], freedom[t], left = _corrected(A, target, W[t])
        residuals.append(left)
    if np.isnan(coef).all():
        raise ValueError("no task has rows enough to estimate its noise")
    t_value = coef / error
    tail = stats.t.sf(np.abs(t_value), freedom[:, None])
    z = np.sign(t_value) * stats.norm.isf(np.maximum(tail, np.finfo(float).tiny))
    statistic, common, counted = _chi_squares(z, error, residuals, given)
    p, adjusted = _p_values(statistic, common, counted, test)
    reach = stats.t.isf((1 - confidence_level) / 2, freedom)[:, None] * error
    return DebiasedCoefficients(
        coef=coef,
        standard_error=error,
        low=coef - reach,
        high=coef + reach,
        p_value=2 * tail,
        statistic=statistic,
        degrees_of_freedom=counted,
        common=common,
        feature_p_value=p,
        adjusted=adjusted,
        tasks=given.tasks,
        feature_names=feature_names([model], d),
        confidence_level=float(confidence_level),
    )


def _rows_of(given: FitInput, t: int, centre: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and targets of a task, times the roots of their weights."""
    data, weight = given.data, given.sample_weight
    rows = slice(data.task_ptr[t], data.task_ptr[t + 1])
    A = data.design.centred_block(np.array([t]), weight, centre)
    w, y = weight[rows], data.y[rows]
    used = w > 0
    mean = np.average(y, weights=w) if centre else 0.0
    return np.asarray(A)[used], (np.sqrt(w) * (y - mean))[used]


def _corrected(A, target, w):
    """Return coefficients, standard errors, degrees of freedom and residuals."""
    n, d = A.shape
    nothing = np.full(d, np.nan), np.full(d, np.nan), 0.0, None
    chosen = np.flatnonzero(w)
    freedom = float(n - chosen.size - 1)
    if freedom < _LEAST_FREEDOM:
        return nothing
    B = A[:, chosen]
    left = target - B @ np.linalg.lstsq(B, target, rcond=None)[0]
    noise = np.sqrt(left @ left / freedom)
    size = np.sqrt(np.mean(A**2, axis=0))
    varies = size > 1e-12 * size.max(initial=0.0)
    if not varies.any():
        return nothing
    U = A[:, varies] / size[varies]
    Z = _unexplained(U)
    along = np.einsum("ij,ij->j", Z, U)
    known = along > 1e-10 * n  # otherwise the column is a sum of others
    along = np.where(known, along, np.nan)
    residual = target - A @ w
    coef, error = np.full(d, np.nan), np.full(d, np.nan)
    coef[varies] = w[varies] + Z.T @ residual / along / size[varies]
    spread = np.sqrt(np.einsum("ij,ij->j", Z, Z))
    error[varies] = noise * spread / along / size[varies]
    return coef, error, freedom, left


def _unexplained(U: np.ndarray) -> np.ndarray:
    """Return what the other columns leave of each, of standardised columns."""
    n, d = U.shape
    if n > _EXACT_FROM * d:
        size, V = np.linalg.eigh(U.T @ U)
        none = size <= _DEPENDENT * size[-1]
        inverse = V[:, ~none] / size[~none] @ V[:, ~none].T
        Z = U @ (inverse / np.maximum(np.diag(inverse), np.finfo(float).tiny))
        Z[:, np.sum(V[:, none] ** 2, axis=1) > _DEPENDENT] = 0.0
        return Z
    if d == 1:
        return U
    weight = np.ones((d, d))
    np.fill_diagonal(weight, np.inf)  # no column explains itself
    strength = np.sqrt(np.log(d) / (2 * n))
    model = L1Regressor(
        strength, feature_weight=weight, fit_intercept=False, tol=1e-3
    ).fit(U, U)
    return U - U @ np.atleast_2d(model.coef_).T


def _chi_squares(z, error, residuals, given):
    """Return the statistic of each feature, its common part, and the tasks counted."""
    known = ~np.isnan(z)
    z = np.where(known, z, 0.0)
    # what a coefficient common to all tasks makes of z, but for its size
    along = np.divide(1.0, error, out=np.zeros_like(error), where=known & (error > 0))
    whole = given.layout == "wide" and len(z) > 1 and bool(known.all())
    inverse: Any = np.eye(len(z))
    if whole and len({len(left) for left in residuals}) == 1:
        left = np.column_stack(residuals)
        left = left / np.sqrt(np.mean(left**2, axis=0))
        covariance: Any = ledoit_wolf(left, assume_centered=True)[0]
        scale = np.sqrt(np.diag(covariance))
        inverse = np.linalg.inv(covariance / np.outer(scale, scale))
    statistic = np.sum(z * (inverse @ z), axis=0)
    across = np.sum(along * (inverse @ z), axis=0)
    size = np.sum(along * (inverse @ along), axis=0)
    common = np.divide(across**2, size, out=np.zeros_like(size), where=size > 0)
    return statistic, np.minimum(common, statistic), known.sum(axis=0)


def _p_values(statistic, common, counted, test):
    """Return the p-values of the features, and the same adjusted for their number."""
    p, tested = np.full(statistic.size, np.nan), counted > 0
    if test == "chi2":
        p[tested] = stats.chi2.sf(statistic[tested], counted[tested])
    else:
        parts = common[tested], (statistic - common)[tested], counted[tested] - 1
        p[tested] = weighted_p_values(*parts, *_weights_by_others(*parts))
    adjusted = p.copy()
    adjusted[tested] = stats.false_discovery_control(p[tested])
    return p, adjusted


def _weights_by_others(common, rest, freedom):
    """Return the weights of the two parts of each feature, from other features."""
    group = np.arange(common.size) % _GROUPS
    weights = np.ones((2, common.size))
    for k in np.unique(group):
        others = group != k
        spread = _spread(common[others], rest[others], freedom[others])
        weights[:, ~others] = (1.0 - 1.0 / spread)[:, None]
    weights[:, ~(weights.max(axis=0) > 0)] = 1.0
    return weights


def _spread(common, rest, freedom):
    """Return the variances of the two parts where there are coefficients.

    By the EM algorithm: a feature has none (both are one) or some. A feature of the
    variances that the algorithm starts from is added, which says that coefficients are
    somewhat alike where nothing else does.
    """
    first = np.array([1.0, max(freedom.sum() / max(freedom.size, 1), 1.0)])
    spread, share = _FIRST_SPREAD, _FIRST_SHARE
    for _ in range(_EM_STEPS):
        excess, log = 1.0 - 1.0 / spread, np.log(spread)
        gain = common * excess[0] - log[0] + rest * excess[1] - freedom * log[1]
        some = expit(np.log(share / (1.0 - share)) + gain / 2)
        share = (some.sum() + _FIRST_SHARE) / (some.size + 1.0)
        sums = first * _FIRST_SPREAD + [some @ common, some @ rest]
        counts = first + [some.sum(), some @ freedom]
        spread = np.maximum(sums / counts, 1.0)
    return spread


def weighted_p_values(
    common: np.ndarray,
    rest: np.ndarray,
    freedom: np.ndarray,
    of_common: np.ndarray,
    of_rest: np.ndarray,
) -> np.ndarray:
    """Return p-values of ``of_common * common + of_rest * rest``.

    Under the hypothesis the parts are independent chi-squares, one with one degree of
    freedom. Given the normal variable whose square it is the tail of the other is
    known; the integral over that variable is by Gauss and Legendre's rule.

    Parameters
    ----------
    common, rest : ndarray of shape (n,)
        Statistics.
    freedom : ndarray of int of shape (n,)
        Degrees of freedom of `rest`; of zero it does not count.
    of_common, of_rest : ndarray of shape (n,)
        Weights >= 0, not both zero.
    """
    p = stats.chi2.sf(common, 1)
    other = (freedom > 0) & (of_common == 0)
    p[other] = stats.chi2.sf(rest[other], freedom[other])
    both = (freedom > 0) & (of_common > 0) & (of_rest > 0)
    ratio = of_common[both] / of_rest[both]
    value = ratio * common[both] + rest[both]
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    top = np.sqrt(value / ratio)
    u = top[:, None] * (node + 1.0) / 2.0
    left = np.maximum(value[:, None] - ratio[:, None] * u**2, 0.0)
    tail = stats.chi2.sf(left, freedom[both][:, None])
    inside = top * (stats.norm.pdf(u) * tail @ weight)
    p[both] = np.minimum(inside + 2.0 * stats.norm.sf(top), 1.0)
    return p


def _mean_over_tasks(coef):
    known = ~np.isnan(coef)
    total = np.where(known, coef, 0.0).sum(axis=0)
    return np.divide(
        total,
        known.sum(axis=0),
        out=np.full(total.size, np.nan),
        where=known.any(axis=0),
    )

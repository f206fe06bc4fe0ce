"""Tests of whether tasks have the same coefficients, and of two matrices' agreement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, stats
from scipy.special import expit
from sklearn.utils import check_random_state

from linmtl._tasks import some
from linmtl.similarity._newton import logistic_newton
from linmtl.similarity._read import (
    TaskData,
    check_choice,
    check_count,
    check_number,
    read_Xy,
)
from linmtl.similarity._result import TaskMatrix

if TYPE_CHECKING:
    import pandas as pd

_VARIANCES = ("unequal", "equal", "robust")
_BLOCK = 4_000_000  # entries of a stack of matrices


@dataclass(frozen=True, eq=False, repr=False)
class ChowResult:
    """Tests for each pair of tasks that their coefficients agree.

    Parameters
    ----------
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    statistic : ndarray of shape (n_tasks, n_tasks)
        Wald statistics; under the hypothesis ``statistic / df`` has the F distribution
        with `df` and `df_residual` degrees of freedom.
    df : ndarray of shape (n_tasks, n_tasks)
        Degrees of freedom of the difference: the number of features, fewer with a
        ridge penalty.
    df_residual : ndarray of shape (n_tasks, n_tasks)
        Those of the variances; where infinite, the statistic is chi-squared.
    p_values : ndarray of shape (n_tasks, n_tasks)
        p-values, 1 on the diagonal.
    adjusted_p_values : ndarray of shape (n_tasks, n_tasks)
        Adjusted for the number of pairs.
    adjust : {"bh", "holm", None}
        By which procedure.
    """

    tasks: np.ndarray
    statistic: np.ndarray
    df: np.ndarray
    df_residual: np.ndarray
    p_values: np.ndarray
    adjusted_p_values: np.ndarray
    adjust: str | None

    def __repr__(self) -> str:
        T = len(self.tasks)
        count = int(np.sum(np.triu(self.adjusted_p_values <= 0.05, 1)))
        return (
            f"<ChowResult: {T * (T - 1) // 2} pairs of tasks, {count} with an adjusted "
            "p-value of at most 0.05>"
        )

    def matrix(self, which: str = "adjusted_p_values") -> TaskMatrix:
        """Return p-values or statistics as a matrix over the tasks.

        Parameters
        ----------
        which : {"adjusted_p_values", "p_values", "statistic"}, \
default="adjusted_p_values"
            Statistics are of the kind "distance".

        Returns
        -------
        TaskMatrix
            A large p-value does not show that tasks agree, only that these data do
            not tell them apart.
        """
        check_choice("which", which, ("adjusted_p_values", "p_values", "statistic"))
        kind = "distance" if which == "statistic" else "p-value"
        name = f"Chow test, {which.replace('_', ' ').replace('p v', 'p-v')}"
        return TaskMatrix(getattr(self, which), self.tasks, kind, name)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row per pair of tasks, the smallest p-value first.

        Returns
        -------
        DataFrame
            Columns task_i, task_j, statistic, df, df_residual, p_value and
            adjusted_p_value.
        """
        import pandas as pd

        i, j = np.triu_indices(len(self.tasks), 1)
        table = pd.DataFrame(
            {
                "task_i": self.tasks[i].tolist(),
                "task_j": self.tasks[j].tolist(),
                "statistic": self.statistic[i, j],
                "df": self.df[i, j],
                "df_residual": self.df_residual[i, j],
                "p_value": self.p_values[i, j],
                "adjusted_p_value": self.adjusted_p_values[i, j],
            }
        )
        return table.sort_values("p_value", kind="stable", ignore_index=True)


@dataclass(frozen=True, eq=False, repr=False)
class HeterogeneityResult:
    """Tests for each feature that its coefficient is the same in all tasks.

    Parameters
    ----------
    features : list of str
        Names of the features.
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    statistic : ndarray of shape (n_features,)
        Cochran's Q.
    df : ndarray of shape (n_features,)
        Its degrees of freedom, the number of tasks in which the feature varies less
        one. With none left (only with a ridge penalty) the p-value is 1.
    df_residual : ndarray of shape (n_features,)
        Those of the variances; where infinite, Q is chi-squared.
    p_values : ndarray of shape (n_features,)
        p-values.
    adjusted_p_values : ndarray of shape (n_features,)
        Adjusted for the number of features.
    i_squared : ndarray of shape (n_features,)
        ``max(0, (Q - df) / Q)``: the part of the variation between the coefficients
        that their standard errors do not explain.
    estimate, standard_error : ndarray of shape (n_features,)
        The mean coefficient, tasks weighted by the inverse of their variances.
    coef, standard_errors : ndarray of shape (n_tasks, n_features)
        The coefficients of each task by itself. Standard errors are infinite where
        the feature does not vary.
    adjust : {"bh", "holm", None}
        The procedure of the adjustment.
    """

    features: list[str]
    tasks: np.ndarray
    statistic: np.ndarray
    df: np.ndarray
    df_residual: np.ndarray
    p_values: np.ndarray
    adjusted_p_values: np.ndarray
    i_squared: np.ndarray
    estimate: np.ndarray
    standard_error: np.ndarray
    coef: np.ndarray
    standard_errors: np.ndarray
    adjust: str | None

    def __repr__(self) -> str:
        count = int(np.sum(self.adjusted_p_values <= 0.05))
        return (
            f"<HeterogeneityResult: {len(self.features)} features, {count} with an "
            "adjusted p-value of at most 0.05>"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row per feature, in the order of X.

        Returns
        -------
        DataFrame
            Columns estimate, standard_error, Q, df, p_value, adjusted_p_value and
            I_squared.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "estimate": self.estimate,
                "standard_error": self.standard_error,
                "Q": self.statistic,
                "df": self.df,
                "p_value": self.p_values,
                "adjusted_p_value": self.adjusted_p_values,
                "I_squared": self.i_squared,
            },
            index=pd.Index(self.features, name="feature"),
        )


def chow_test(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    loss: str = "squared",
    variance: str = "unequal",
    ridge: float = 0.0,
    adjust: str | None = "bh",
) -> ChowResult:
    """Test for each pair of tasks whether they have the same coefficients.

    A Wald test of ``w_i = w_j``; intercepts are free. Each task is fitted by itself, by
    least squares or maximum likelihood, so it needs more rows than features.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Samples.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Targets, or labels of two classes; NaN: not observed.
    tasks : array-like of shape (n_samples,), default=None
        The task label of each row; not for y with a column per task.
    loss : {"squared", "logistic"}, default="squared"
        Linear or logistic regression.
    variance : {"unequal", "equal", "robust"}, default="unequal"
        Of the noise, for the squared loss: one of each task; the same in the two tasks
        of a pair (Chow's test, exact for normal noise); or one of each row, by
        sandwich estimates (HC3). For the logistic loss the first two are the same.
    ridge : float, default=0.0
        For tasks with few rows: each task is drawn towards the coefficients fitted to
        all tasks together (with the penalty ``ridge / n_tasks / 2 ||w||^2`` on the
        mean loss), by ``ridge / 2 ||w_t - w||^2`` on its own mean loss. p-values are
        then approximate; with more features than rows those for pairs of tasks tend
        to be too large.
    adjust : {"bh", "holm", None}, default="bh"
        How p-values are adjusted for the number of pairs: Benjamini and Hochberg
        (false discovery rate), Holm (family-wise error rate), or not at all.

    Returns
    -------
    ChowResult
        Statistics, degrees of freedom and p-values of all pairs.

    See Also
    --------
    heterogeneity : Which features differ, over all tasks.

    Notes
    -----
    With noise of unequal variance the statistic has approximately a scaled F
    distribution, whose scale and degrees of freedom match its first two moments to the
    order of 1 / n; for one feature that is Welch's test. With a ridge penalty the
    differences are measured in the metric of the penalised Hessian, a sum of
    chi-squares with weights, approximated by its first two moments (Satterthwaite).

    References
    ----------
    Chow (1960), Tests of equality between sets of coefficients in two linear
    regressions.
    Welch (1947), The generalization of Student's problem when several different
    population variances are involved.
    MacKinnon, White (1985), Some heteroskedasticity-consistent covariance matrix
    estimators with improved finite sample properties.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.similarity import chow_test
    >>> rng = np.random.default_rng(0)
    >>> X, tasks = rng.normal(size=(150, 2)), np.repeat(["a", "b", "c"], 50)
    >>> y = X[:, 0] + rng.normal(size=150) + 2.0 * X[:, 1] * (tasks == "c")
    >>> chow_test(X, y, tasks).adjusted_p_values < 0.05
    array([[False, False,  True],
           [False, False,  True],
           [ True,  True, False]])
    """
    fits = _fit_tasks(X, y, tasks, loss, variance, ridge, adjust, whiten=True)
    T, d = fits.coef.shape
    out = {name: np.zeros((T, T)) for name in ("statistic", "df", "df_residual")}
    step = max(1, _BLOCK // d**2)
    for i in range(T):
        for a in range(i + 1, T, step):
            b = min(a + step, T)
            for name, value in zip(out, _wald(fits, i, slice(a, b)), strict=True):
                out[name][i, a:b] = out[name][a:b, i] = value
    np.fill_diagonal(out["df"], d)
    np.fill_diagonal(out["df_residual"], np.inf)
    p_values = np.ones((T, T))
    pairs = np.triu_indices(T, 1)
    p = _tail(*(out[name][pairs] for name in out))
    p_values[pairs] = p
    p_values.T[pairs] = p
    adjusted = np.ones((T, T))
    adjusted[pairs] = _adjusted(p, adjust)
    adjusted.T[pairs] = adjusted[pairs]
    return ChowResult(fits.data.tasks, *out.values(), p_values, adjusted, adjust)


def heterogeneity(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    loss: str = "squared",
    variance: str = "unequal",
    ridge: float = 0.0,
    adjust: str | None = "bh",
) -> HeterogeneityResult:
    """Test for each feature whether its coefficient is the same in all tasks.

    Cochran's Q, ``sum_t (w_t - mean)^2 / v_t``, and I^2. Each task is fitted by itself,
    by least squares or maximum likelihood, so it needs more rows than features.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Samples.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Targets, or labels of two classes; NaN: not observed.
    tasks : array-like of shape (n_samples,), default=None
        The task label of each row; not for y with a column per task.
    loss : {"squared", "logistic"}, default="squared"
        Linear or logistic regression.
    variance : {"unequal", "equal", "robust"}, default="unequal"
        Of the noise, for the squared loss: one of each task; the same in all tasks; or
        one of each row, by sandwich estimates (HC3). For the logistic loss the first
        two are the same.
    ridge : float, default=0.0
        For tasks with few rows: each task is drawn towards the coefficients fitted to
        all tasks together (with the penalty ``ridge / n_tasks / 2 ||w||^2`` on the
        mean loss), by ``ridge / 2 ||w_t - w||^2`` on its own mean loss. p-values are
        then approximate, and coefficients are shown as if each had been shrunk alone
        and that were undone.
    adjust : {"bh", "holm", None}, default="bh"
        How p-values are adjusted for the number of features: Benjamini and Hochberg
        (false discovery rate), Holm (family-wise error rate), or not at all.

    Returns
    -------
    HeterogeneityResult
        Q, degrees of freedom, p-values and I^2 of all features.

    See Also
    --------
    chow_test : Which pairs of tasks differ, over all features.

    Notes
    -----
    For the squared loss the variances are estimated from few rows, and Q is not quite
    chi-squared. Its p-values are those of Welch's F test, with equal variances those of
    the F distribution, which is exact for normal noise.

    References
    ----------
    Cochran (1954), The combination of estimates from different experiments.
    Higgins, Thompson (2002), Quantifying heterogeneity in a meta-analysis.
    Welch (1951), On the comparison of several mean values: an alternative approach.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.similarity import heterogeneity
    >>> rng = np.random.default_rng(0)
    >>> X, tasks = rng.normal(size=(150, 2)), np.repeat(["a", "b", "c"], 50)
    >>> y = X[:, 0] + rng.normal(size=150) + 2.0 * X[:, 1] * (tasks == "c")
    >>> heterogeneity(X, y, tasks).adjusted_p_values < 0.05
    array([False,  True])
    """
    fits = _fit_tasks(X, y, tasks, loss, variance, ridge, adjust)
    scale = fits.scale
    if fits.equal:
        scale = np.full(scale.shape, scale @ fits.df / fits.df.sum())
    # a ridge penalty shrinks the coefficients of features that vary little; without
    # undoing it these would seem to be the surest
    undo = np.divide(
        1.0, fits.shrinkage, out=np.ones(fits.coef.shape), where=fits.varies
    )
    coef = undo * fits.coef
    v = undo**2 * scale[:, None] * np.diagonal(fits.covariance, axis1=1, axis2=2)
    # with a ridge penalty a feature may be constant in a task, which then says nothing
    told = fits.varies
    v = np.where(told, v, np.inf)
    weight = 1.0 / v
    total = weight.sum(axis=0)
    share = np.divide(weight, total, out=np.zeros_like(weight), where=told)
    mean = np.sum(share * coef, axis=0)
    Q = np.sum(weight * (coef - mean) ** 2, axis=0)
    error = np.full(Q.shape, np.inf)
    error[total > 0.0] = 1.0 / np.sqrt(total[total > 0.0])
    count = told.sum(axis=0)
    df = np.maximum(count - 1, 0)
    df_residual = np.full(Q.shape, np.inf)
    value, several = Q, count > 1
    if fits.equal:
        df_residual[:] = fits.df.sum()
    elif loss == "squared":
        doubt = np.sum(told * (1.0 - share) ** 2 / fits.df[:, None], axis=0)
        df_residual[several] = (count[several] ** 2 - 1) / (3.0 * doubt[several])
        value = Q.copy()
        value[several] /= 1.0 + 2.0 / 3.0 * (count - 2)[several] / df_residual[several]
    p_values = np.ones(Q.shape)
    p_values[several] = _tail(value[several], df[several], df_residual[several])
    return HeterogeneityResult(
        fits.data.features,
        fits.data.tasks,
        Q,
        df,
        df_residual,
        p_values,
        _adjusted(p_values, adjust),
        np.divide(np.maximum(Q - df, 0.0), Q, out=np.zeros_like(Q), where=Q > 0),
        mean + fits.centre,
        error,
        coef + fits.centre,
        np.sqrt(v),
        adjust,
    )


class _Fits(NamedTuple):
    """Each task by itself; variances are ``scale_t`` times a matrix."""

    data: TaskData
    coef: np.ndarray  # (T, d), minus the centre
    centre: np.ndarray  # (d,), what a ridge penalty draws towards
    covariance: np.ndarray  # (T, d, d), of the estimates
    metric: np.ndarray  # (T, d, d), inverse of the penalised Hessian
    scale: np.ndarray  # (T,), the noise
    df: np.ndarray  # (T,), the degrees of freedom of that
    equal: bool  # whether the noise of two tasks is taken to be the same
    varies: np.ndarray  # (T, d), whether a feature varies in a task
    shrinkage: np.ndarray  # (T, d), by the ridge penalty, of each coefficient; 1: none


def _fit_tasks(X, y, tasks, loss, variance, ridge, adjust, whiten=False) -> _Fits:
    """Fit each task; `whiten` allows linear combinations of the features instead."""
    check_choice("loss", loss, ("squared", "logistic"))
    check_choice("variance", variance, _VARIANCES)
    check_choice("adjust", adjust, ("bh", "holm", None))
    ridge = check_number("ridge", ridge, 0.0)
    data = read_Xy(X, y, tasks, loss)
    d = data.X[0].shape[1]
    if ridge == 0.0:
        few = data.n_samples < d + 2
        if few.any():
            raise ValueError(
                f"there are {d} features and the tasks {some(data.tasks[few])} have "
                f"{some(data.n_samples[few])} rows; a test needs {d + 2} rows per task "
                "at least: use fewer features, drop these tasks or pass ridge="
            )
        for label, X_t in zip(data.tasks.tolist(), data.X, strict=True):
            _require_rank(X_t, label, data.features)
        if whiten:
            data = _whitened(data)
    if loss == "logistic":
        return _fit_logistic(data, variance == "robust", ridge)
    return _fit_squared(data, variance, ridge)


def _require_rank(X, label, features):
    X = X - X.mean(axis=0)
    length = np.linalg.norm(X, axis=0)
    size = np.abs(X).max(axis=0)
    X = np.divide(X, length, out=np.zeros_like(X), where=length > 1e-12 * size.max())
    R, pivot = linalg.qr(X, mode="r", pivoting=True)
    diagonal = np.abs(np.diag(R))
    lost = diagonal <= max(X.shape) * np.finfo(float).eps * 10
    if lost.any():
        names = sorted(features[k] for k in pivot[lost])
        raise ValueError(
            f"in the task {label!r} the features {some(names)} are constant or "
            "combinations of others, so that their coefficients are not determined: "
            "drop these features, drop the task or pass ridge="
        )


def _whitened(data: TaskData) -> TaskData:
    """Return data whose features are orthogonal over all rows, within tasks.

    To tests of all features together they are the same, but for rounding.
    """
    Xs = [X - X.mean(axis=0) for X in data.X]
    R = linalg.qr(np.concatenate(Xs), mode="r")[0][: Xs[0].shape[1]]
    Xs = [linalg.solve_triangular(R, X.T, trans="T").T for X in Xs]
    return TaskData(data.tasks, Xs, data.y, data.features)


def _fit_squared(data, variance, ridge):
    T, d = len(data.tasks), data.X[0].shape[1]
    Xs = [X - X.mean(axis=0) for X in data.X]
    ys = [y - y.mean() for y in data.y]
    grams = np.array([X.T @ X for X in Xs])
    centre = np.zeros(d)
    if ridge > 0.0:
        moment = sum(X.T @ y for X, y in zip(Xs, ys, strict=True))
        strength = ridge / T * data.n_samples.sum() * np.eye(d)
        centre = linalg.solve(grams.sum(axis=0) + strength, moment, assume_a="pos")
        ys = [y - X @ centre for X, y in zip(Xs, ys, strict=True)]
    coef, scale, df = np.zeros((T, d)), np.ones(T), np.zeros(T)
    shrinkage = np.ones((T, d))
    covariance, metric = np.zeros((T, d, d)), np.zeros((T, d, d))
    for t, (X, y, gram) in enumerate(zip(Xs, ys, grams, strict=True)):
        n = len(y)
        K = _inverse(gram + ridge * n * np.eye(d))
        coef[t] = K @ (X.T @ y)
        residual = y - X @ coef[t]
        # with the hat matrix H the sum of squares of the residuals has the mean
        # tr (I - H)^2, and the degrees of freedom that go with its variance
        kept = np.zeros(d)  # eigenvalues of I - H
        if ridge > 0.0:
            kept = ridge * n / (np.maximum(np.linalg.eigvalsh(gram), 0.0) + ridge * n)
        left = n - 1 - d + np.sum(kept**2)
        df[t] = left**2 / (n - 1 - d + np.sum(kept**4))
        if left < 1e-3 * n:
            raise ValueError(
                f"with ridge={ridge:g} the task {data.tasks.tolist()[t]!r} is fitted "
                "almost exactly, which leaves no rows for its noise; pass a larger "
                "ridge or drop the task"
            )
        scale[t] = residual @ residual / left
        if scale[t] <= (1e-12 * np.abs(data.y[t]).max()) ** 2:
            raise ValueError(
                f"the task {data.tasks.tolist()[t]!r} is fitted exactly: without noise "
                "there is nothing to test; compare the coefficients, or drop the task"
            )
        metric[t], covariance[t] = K, K @ gram @ K
        shrinkage[t] = np.sum(K * gram, axis=1) if ridge > 0.0 else 1.0
        if variance == "robust":
            leverage = np.sum((X @ K) * X, axis=1) + 1.0 / n
            free = 1.0 - leverage > 1e-10
            shown = np.divide(residual, 1.0 - leverage, out=0.0 * y, where=free)
            half = (X @ K) * (shown / np.sqrt(scale[t]))[:, None]
            covariance[t] = half.T @ half
    if ridge == 0.0:
        metric = covariance
    equal = variance == "equal"
    varies = _vary(Xs)
    return _Fits(
        data, coef, centre, covariance, metric, scale, df, equal, varies, shrinkage
    )


def _fit_logistic(data, robust, ridge):
    T, d = len(data.tasks), data.X[0].shape[1]
    single = np.array([np.ptp(y) == 0 for y in data.y])
    if single.any():
        raise ValueError(
            f"the tasks {some(data.tasks[single])} have only 1 class; drop them"
        )
    centre = np.zeros(d)
    if ridge > 0.0:
        from linmtl.estimators import PooledClassifier

        pooled = PooledClassifier(alpha=ridge / T, task_intercepts=True, tol=1e-8)
        codes = np.repeat(np.arange(T), data.n_samples)
        pooled.fit(np.concatenate(data.X), np.concatenate(data.y), codes)
        centre = pooled.coef_[0]
    coef, shrinkage = np.zeros((T, d)), np.ones((T, d))
    covariance, metric = np.zeros((T, d, d)), np.zeros((T, d, d))
    for t, (X, y) in enumerate(zip(data.X, data.y, strict=True)):
        n = len(y)
        # the difference in the coefficients does not depend on where the origin is
        Z = np.column_stack([X - X.mean(axis=0), np.ones(n)])
        deviation = Z.std(axis=0)
        deviation[deviation == 0.0] = 1.0
        Z /= deviation
        strength = np.append(np.full(d, ridge * n), 0.0) / deviation**2
        offset = Z[:, :-1] @ (centre * deviation[:-1])
        w, converged = logistic_newton(Z, y, np.ones((1, n)), strength, offset)
        if not converged:
            raise ValueError(
                f"in the task {data.tasks.tolist()[t]!r} a combination of the features "
                "separates the classes, so that coefficients are infinite: use fewer "
                "features, drop the task or pass ridge="
            )
        p = expit(-y * (Z @ w[0] + offset))
        information = (Z.T * (p * (1.0 - p))) @ Z
        K = _inverse(information + np.diag(strength))
        meat = information
        if robust:
            score = Z * (p * np.sqrt(n / max(n - d - 1, 1)))[:, None]
            meat = score.T @ score
        outer = np.outer(deviation[:-1], deviation[:-1])
        coef[t] = w[0, :-1] / deviation[:-1]
        metric[t] = K[:-1, :-1] / outer
        if ridge > 0.0:
            shrinkage[t] = np.sum(K * information, axis=1)[:-1]
        covariance[t] = (K @ meat @ K)[:-1, :-1] / outer
    if ridge == 0.0:
        metric = covariance
    known, varies = np.full(T, np.inf), _vary(data.X)
    return _Fits(
        *(data, coef, centre, covariance, metric, np.ones(T), known, False),
        *(varies, shrinkage),
    )


def _vary(Xs):
    """Return whether features vary in tasks, beyond rounding."""
    return np.array([np.ptp(X, axis=0) > 1e-12 * np.abs(X).max(axis=0) for X in Xs])


def _inverse(A):
    """Invert a positive definite matrix, whatever the scales of its rows."""
    scale = 1.0 / np.sqrt(np.diag(A))
    factor = linalg.cho_factor(A * np.outer(scale, scale), lower=True)
    inverse = linalg.cho_solve(factor, np.eye(len(A))) * np.outer(scale, scale)
    return (inverse + inverse.T) / 2


def _wald(fits, i, others):
    """Compare task i with a range of others; return statistic, df and df_residual."""
    first, second = fits.scale[i], fits.scale[others]
    df_i, df_j = fits.df[i], fits.df[others]
    if fits.equal:
        second = (first * df_i + second * df_j) / (df_i + df_j)
        first = second[:, None, None]
    second = second[:, None, None]
    V_i, V_j = first * fits.covariance[i], second * fits.covariance[others]
    metric = first * fits.metric[i] + second * fits.metric[others]
    size = np.sqrt(np.diagonal(metric, axis1=1, axis2=2))
    outer = size[:, :, None] * size[:, None, :]
    # in units of the metric; then the metric is the identity
    root = np.linalg.cholesky(metric / outer)
    gap = (fits.coef[i] - fits.coef[others]) / size
    gap = np.linalg.solve(root, gap[:, :, None])[:, :, 0]
    half = np.linalg.solve(root, V_i / outer)
    P_i = np.linalg.solve(root, half.transpose(0, 2, 1))
    half = np.linalg.solve(root, V_j / outer)
    P_j = np.linalg.solve(root, half.transpose(0, 2, 1))
    P = P_i + P_j
    trace = np.trace(P, axis1=1, axis2=2)
    df = trace**2 / np.sum(P * P, axis=(1, 2))
    statistic = np.sum(gap**2, axis=1) * df / trace
    if np.isinf(df_i):
        return statistic, df, np.full(df.shape, np.inf)
    if fits.equal:
        return statistic, df, df_i + df_j
    # first two moments of the statistic to the order of 1 / df_i and 1 / df_j
    squares, traces = 0.0, 0.0
    for part, freedom in ((P_i, df_i), (P_j, df_j)):
        part = part * (df / trace)[:, None, None]
        squares += 2.0 / freedom * np.sum(part * part, axis=(1, 2))
        traces += 2.0 / freedom * np.trace(part, axis1=1, axis2=2) ** 2
    df_residual = 2.0 * df * (df + 2.0) / (2.0 * squares + traces)
    statistic = statistic / (1.0 + squares / df - 2.0 / df_residual)
    return statistic, df, df_residual


def _tail(statistic, df, df_residual):
    """Return the p-values of Wald statistics."""
    chi_squared = np.isinf(df_residual)
    p = np.where(
        chi_squared,
        stats.chi2.sf(statistic, df),
        stats.f.sf(statistic / df, df, np.where(chi_squared, 1.0, df_residual)),
    )
    return np.clip(p, 0.0, 1.0)


def _adjusted(p, adjust):
    if adjust is None:
        return p.copy()
    if adjust == "bh":
        return stats.false_discovery_control(p, method="bh")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


class MantelResult(NamedTuple):
    """The correlation of two matrices, and the p-value of none."""

    correlation: float
    p_value: float


def mantel(
    a: TaskMatrix | ArrayLike,
    b: TaskMatrix | ArrayLike,
    *,
    method: str = "pearson",
    alternative: str = "two-sided",
    n_permutations: int = 999,
    random_state: Any = None,
) -> MantelResult:
    """Test whether two matrices over the same tasks are correlated.

    The correlation of their entries off the diagonal (one of each pair where both are
    symmetric), with a p-value by permutation of the tasks of one of them: entries that
    share a task are not independent. A distance and a similarity that agree have a
    negative correlation.

    Parameters
    ----------
    a, b : TaskMatrix or array-like of shape (n_tasks, n_tasks)
        The matrices, finite. Two TaskMatrix are matched by label and must have the same
        tasks.
    method : {"pearson", "spearman"}, default="pearson"
        Correlation of the values or of their ranks.
    alternative : {"two-sided", "greater", "less"}, default="two-sided"
        The correlations that speak against none.
    n_permutations : int, default=999
        Number of random permutations.
    random_state : int, RandomState or None, default=None
        Of the permutations.

    Returns
    -------
    MantelResult
        ``correlation`` and ``p_value``.

    References
    ----------
    Mantel (1967), The detection of disease clustering and a generalized regression
    approach.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.similarity import mantel
    >>> place = np.arange(8.0)
    >>> near = abs(place[:, None] - place)
    >>> test = mantel(near, near**2, random_state=0)
    >>> test.correlation > 0.9, test.p_value < 0.05
    (True, True)
    """
    check_choice("method", method, ("pearson", "spearman"))
    check_choice("alternative", alternative, ("two-sided", "greater", "less"))
    n_permutations = check_count("n_permutations", n_permutations, 1)
    if isinstance(a, TaskMatrix) and isinstance(b, TaskMatrix):
        differ = np.setxor1d(a.tasks, b.tasks)
        if differ.size:
            raise ValueError(
                f"only one of the matrices has the tasks {some(differ)}; select common "
                "ones with reorder()"
            )
        b = b.reorder(a.tasks)
    A, B = _square(a, "a"), _square(b, "b")
    T = len(A)
    if A.shape != B.shape or T < 3:
        raise ValueError(
            f"a has shape {A.shape} and b {B.shape}; pass matrices over the same "
            "tasks, at least three"
        )
    both = np.array_equal(A, A.T) and np.array_equal(B, B.T)
    used = np.triu_indices(T, 1) if both else np.nonzero(~np.eye(T, dtype=bool))
    x = _standard(A[used], method, "a")
    Y = np.zeros((T, T))
    Y[used] = _standard(B[used], method, "b")
    if both:
        Y += Y.T
    observed = float(np.clip(x @ Y[used], -1.0, 1.0))
    rng = check_random_state(random_state)
    drawn = np.empty(n_permutations)
    for k in range(n_permutations):
        order = rng.permutation(T)
        drawn[k] = x @ Y[order[used[0]], order[used[1]]]
    # rounding must not make the same arrangement larger or smaller
    if alternative == "two-sided":
        above = np.abs(drawn) >= abs(observed) - 1e-12
    else:
        sign = 1.0 if alternative == "greater" else -1.0
        above = sign * drawn >= sign * observed - 1e-12
    return MantelResult(observed, (1 + int(above.sum())) / (n_permutations + 1))


def _square(matrix, name):
    array = np.asarray(matrix, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise ValueError(
            f"{name} has shape {array.shape}; pass a TaskMatrix or an array of shape "
            "(n_tasks, n_tasks)"
        )
    if not np.all(np.isfinite(array[~np.eye(len(array), dtype=bool)])):
        raise ValueError(f"{name} contains NaN or infinity; mantel needs finite values")
    return array


def _standard(values, method, name):
    """Centre and scale to length 1."""
    if method == "spearman":
        values = stats.rankdata(values)
    centred = values - values.mean()
    length = np.linalg.norm(centred)
    if length <= 1e-14 * np.sqrt(values.size) * np.abs(values).max():
        raise ValueError(
            f"the entries of {name} off the diagonal are all equal, so that it has no "
            "correlation with another matrix"
        )
    return centred / length

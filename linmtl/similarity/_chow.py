"""The test of equal coefficients for each pair of tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._checks import check_choice
from linmtl.similarity._fits import fit_tasks
from linmtl.similarity._p_values import adjusted_for_number, cautious_df, tail
from linmtl.similarity._result import TaskMatrix

if TYPE_CHECKING:
    import pandas as pd

_MAX_ENTRIES = 4_000_000  # entries of a stack of matrices


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
        Degrees of freedom of the variances; where they are infinite, the statistic is
        chi-squared.
    p_values : ndarray of shape (n_tasks, n_tasks)
        The p-values, 1 on the diagonal.
    adjusted_p_values : ndarray of shape (n_tasks, n_tasks)
        Adjusted for the number of pairs.
    adjust : {"bh", "holm", None}
        The procedure of the adjustment.
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
        The variance of the noise, for the squared loss: one of each task; the same in
        the two tasks of a pair (Chow's test, exact for normal noise); or one of each
        row, by sandwich estimates (HC3). For the logistic loss the first two are the
        same.
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
    order of 1 / n; for one feature that is Welch's test. These degrees of freedom go by
    the noise that the tasks are estimated to have, and are too many where one of them
    has few rows to estimate it from. With m those of the task that has fewer (rows -
    features - 1), `df_residual` is m up to 2, which keeps the level but finds only
    large differences, the approximate number from m = 8 on, and in proportion between.

    With a ridge penalty the differences are measured in the metric of the penalised
    Hessian, a sum of chi-squares with weights, approximated by its first two moments
    (Satterthwaite). Robust variances of many features need many rows: with 8 features
    and 20 to 50 rows per task p-values of 0.05 and less can be twice as frequent as
    they should be.

    References
    ----------
    Chow (1960), Tests of equality between sets of coefficients in two linear
    regressions.
    Welch (1947), The generalization of Student's problem when several different
    population variances are involved.
    Mickey, Brown (1966), Bounds on the distribution functions of the Behrens-Fisher
    statistic.
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
    fits = fit_tasks(X, y, tasks, loss, variance, ridge, adjust, whiten=True)
    T, d = fits.coef.shape
    out = {name: np.zeros((T, T)) for name in ("statistic", "df", "df_residual")}
    step = max(1, _MAX_ENTRIES // d**2)
    for i in range(T):
        for a in range(i + 1, T, step):
            b = min(a + step, T)
            for name, value in zip(out, _wald(fits, i, slice(a, b)), strict=True):
                out[name][i, a:b] = out[name][a:b, i] = value
    np.fill_diagonal(out["df"], d)
    np.fill_diagonal(out["df_residual"], np.inf)
    p_values = np.ones((T, T))
    pairs = np.triu_indices(T, 1)
    p = tail(*(out[name][pairs] for name in out))
    p_values[pairs] = p
    p_values.T[pairs] = p
    adjusted = np.ones((T, T))
    adjusted[pairs] = adjusted_for_number(p, adjust)
    adjusted.T[pairs] = adjusted[pairs]
    return ChowResult(
        fits.data.tasks,
        out["statistic"],
        out["df"],
        out["df_residual"],
        p_values,
        adjusted,
        adjust,
    )


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
    return statistic, df, cautious_df(df_residual, np.minimum(df_i, df_j))

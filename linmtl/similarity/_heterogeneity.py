"""The test of each feature for equal coefficients in all tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from linmtl.similarity._fits import fit_tasks
from linmtl.similarity._p_values import adjusted_for_number, cautious_df, tail

if TYPE_CHECKING:
    import pandas as pd

_MAX_STARTS = 100  # the most estimates from which the common coefficient is sought


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
        Degrees of freedom of the variances; where they are infinite, Q is chi-squared.
        NaN where the p-value is that of normal scores and not of Q.
    p_values : ndarray of shape (n_features,)
        The p-values.
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
        The variance of the noise, for the squared loss: one of each task; the same in
        all tasks; or one of each row, by sandwich estimates (HC3). For the logistic
        loss the first two are the same.
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
    For the squared loss the variances are estimated, and Q is not quite chi-squared.
    With equal variances its p-values are those of the F distribution, which is exact
    for normal noise. Otherwise those of two tasks are Welch's, with the degrees of
    freedom of :func:`chow_test`. Those of three tasks and more go by normal scores, as
    in the test of Alexander and Govern: each t statistic ``(w_t - m) / sqrt(v_t)`` is
    replaced by the normal quantile of the same probability, and the sum of squares,
    made smallest over m, is compared with the chi-squared distribution. Welch's F test
    of several means rejects far too often where many tasks have few rows.

    References
    ----------
    Cochran (1954), The combination of estimates from different experiments.
    Higgins, Thompson (2002), Quantifying heterogeneity in a meta-analysis.
    Alexander, Govern (1994), A new and simpler approximation for ANOVA under variance
    heterogeneity.

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
    fits = fit_tasks(X, y, tasks, loss, variance, ridge, adjust)
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
    df_residual = np.full(Q.shape, fits.df.sum() if fits.equal else np.inf)
    value = Q.copy()
    if loss == "squared" and not fits.equal:
        for k in np.flatnonzero(count == 2):
            f = fits.df[told[:, k]]
            welch = 1.0 / np.sum((1.0 - share[told[:, k], k]) ** 2 / f)
            df_residual[k] = cautious_df(welch, f.min())
        for k in np.flatnonzero(count > 2):
            use = told[:, k]
            value[k] = _normal_scores(coef[use, k], v[use, k], fits.df[use], mean[k])
            df_residual[k] = np.nan
    p_values, several = np.ones(Q.shape), count > 1
    reference = np.where(np.isnan(df_residual), np.inf, df_residual)
    p_values[several] = tail(value[several], df[several], reference[several])
    return HeterogeneityResult(
        fits.data.features,
        fits.data.tasks,
        Q,
        df,
        df_residual,
        p_values,
        adjusted_for_number(p_values, adjust),
        np.divide(np.maximum(Q - df, 0.0), Q, out=np.zeros_like(Q), where=Q > 0),
        mean + fits.centre,
        error,
        coef + fits.centre,
        np.sqrt(v),
        adjust,
    )


def _normal_scores(coef, variance, df, mean):
    """Return the least sum of squared normal scores about a common coefficient.

    At the true coefficient the scores are standard normal, however few the degrees of
    freedom. With few the sum has several local minima, near estimates.
    """

    def total(centre):
        t = np.abs(coef - np.reshape(centre, (-1, 1))) / np.sqrt(variance)
        # probabilities that underflow would have infinite scores
        p = np.maximum(special.stdtr(df, -t), 1e-300)
        return np.sum(special.ndtri(p) ** 2, axis=1)

    surest = np.argsort(variance, kind="stable")[:_MAX_STARTS]
    starts = np.unique(np.append(coef[surest], mean))
    sums = total(starts)
    best = int(np.argmin(sums))
    low, high = starts[max(best - 1, 0)], starts[min(best + 1, len(starts) - 1)]
    found: Any = optimize.minimize_scalar(
        lambda centre: total(centre)[0],
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-9 * (high - low)},
    )
    return min(float(found.fun), float(sums[best]))

"""Calibrated estimators: joint feature selection with a noise level for each task."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

from numpy.typing import ArrayLike

from linmtl.estimators._base import PlainRegressor
from linmtl.estimators._cv import CrossValidated
from linmtl.estimators._docs import estimator
from linmtl.estimators._refit import Refitted
from linmtl.estimators._statistics import FitsStatistics
from linmtl.penalties import L21, Penalty, Ridge
from linmtl.penalties._parameters import check_strength


@estimator
class CalibratedRegressor(FitsStatistics, Refitted, PlainRegressor):
    """Regression with joint feature selection and a noise level for each task.

    Minimises over W (n_features, n_tasks) and the intercepts b::

        sum_t lambda_t sqrt(sum_{i in t} s_i (y_i - x_i . w_t - b_t)^2 / S_t)
            + alpha * sum_j ||W_j||_2 + alpha_ridge / 2 * ||W||_F^2

    {squared_symbols}

    The loss is the square root of the usual one. Tasks are weighted by one over their
    noise level, which is estimated at the same time, and the right ``alpha`` does not
    depend on how large the noise is.

    Parameters
    ----------
    alpha : float, default=0.1
        Strength of the L21 penalty, >= 0.
    alpha_ridge : float, default=0.0
        Strength of the ridge penalty, >= 0.
    {parameters}

    Attributes
    ----------
    noise_ : ndarray of shape (n_tasks,)
        Noise level of each task: the root mean squared residual at the solution.
    {attributes}

    See Also
    --------
    CalibratedRegressorCV : With ``alpha`` chosen by cross-validation.
    L21Regressor : The same penalty with the squared loss.
    MultiTaskRegressor : Any penalty, with ``loss="sqrt"``.

    Notes
    -----
    Where the penalty is so weak that the solution interpolates a task, as it can with
    more features than samples, nothing is left to estimate a noise level from. The
    solution is then found to fewer digits, and a tight ``tol`` may not be reached.

    The only solver is "concomitant": it alternates between the noise levels and a
    problem of squared loss.

    MALSAR's calibrated models (MTFLC) sum the norms of the residuals, without an
    intercept: ``task_weight`` is the square root of each task's number of samples, and
    the strengths are the same.

    References
    ----------
    Liu, Wang, Zhao (2014), Multivariate regression with calibration.
    Gong, Zhou, Fan, Ye (2014), Efficient multi-task feature learning with calibration.
    Owen (2007), A robust hybrid of lasso and ridge regression.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import CalibratedRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> y[tasks == 3] += 20 * np.random.default_rng(0).normal(size=(tasks == 3).sum())
    >>> model = CalibratedRegressor().fit(X, y, tasks)
    >>> int(model.noise_.argmax())
    3
    """

    alpha: float = 0.1
    alpha_ridge: float = 0.0

    _losses = ("sqrt",)

    def _make_penalty(self) -> Penalty:
        check_strength(self, "alpha_ridge")
        return L21(self.alpha) + Ridge(self.alpha_ridge)


@estimator
class CalibratedRegressorCV(FitsStatistics, Refitted, CrossValidated, PlainRegressor):
    """`CalibratedRegressor` with ``alpha`` chosen by cross-validation.

    {cv}

    With several values of ``alpha_ridge`` the paths and ``alphas_`` have a leading axis
    for them.

    Parameters
    ----------
    alpha_ridge : float or array-like, default=0.0
        Strength of the ridge penalty, >= 0. Or the values to try.
    {cv_parameters}
    {parameters}

    Attributes
    ----------
    noise_ : ndarray of shape (n_tasks,)
        Noise level of each task: the root mean squared residual at the solution.
    {cv_attributes}
    {sqrt_path}
    {attributes}

    See Also
    --------
    CalibratedRegressor : With a given ``alpha``; the objective and its symbols.

    Examples
    --------
    >>> from linmtl import CalibratedRegressorCV
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = CalibratedRegressorCV(alphas=5).fit(X, y, tasks)
    >>> model.rmse_path_.shape
    (5, 5)
    """

    _: KW_ONLY
    alpha_ridge: float | ArrayLike = 0.0

    _losses = ("sqrt",)
    _grid = ("alpha_ridge",)

    def _penalty_at(self, setting: dict[str, Any], alpha: float) -> Penalty:
        return L21(alpha) + Ridge(setting["alpha_ridge"])

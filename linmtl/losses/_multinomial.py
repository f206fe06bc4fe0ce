"""Multinomial loss, ``log(sum_k exp(eta_k)) - eta_y``: several classes a task.

Arrays have an entry for each class of a task and each observation of it, class after
class: y is one for the class of the observation and zero for the others, residuals are
``weight (y - p)``.
"""

from __future__ import annotations

import numpy as np
from scipy.special import entr, logsumexp, softmax

from linmtl.kernels._jit import readonly
from linmtl.losses._base import Loss, Score
from linmtl.losses._log_odds import multinomial_residual

_LEAST = 1e-300  # in place of a residual of zero, to divide by
_ROUNDING = 1e-15  # of a probability
_LEAST_LOG = float(np.log(np.finfo(float).eps))  # of a probability, as scikit-learn's


class Multinomial(Loss):
    """``log(sum_k exp(eta_k)) - eta_y``; conjugate at -u: minus the entropy of y - u.

    Parameters
    ----------
    group_ptr : ndarray of shape (n_tasks + 1,)
        Bounds of the tasks among the pairs of a task and a class, which are the tasks
        of all else.

    References
    ----------
    Boehning (1992), Multinomial logistic regression algorithm: the bound 1/2 of the
    curvature.
    """

    name = "logistic"
    score = Score("log loss", 1.0, "scores_path_", -1.0)
    curvature = 0.5
    likelihood = True
    classify = True

    group_ptr: np.ndarray

    def __init__(self, group_ptr: np.ndarray):
        object.__setattr__(self, "group_ptr", group_ptr)

    def of_classes(self, group_ptr):
        return self if group_ptr is None else Multinomial(group_ptr)

    def second_derivative(self, y, u):
        p = np.clip(y - u, 0.0, 1.0)
        return p * (1.0 - p)

    def conjugate(self, y, u):
        return -entr(np.maximum(y - u, 0.0))

    def domain(self, y):
        return y - 1.0, y

    def residual(
        self, y, eta, weight, task_ptr, total, fit_intercept, b, theta, task_loss
    ):
        multinomial_residual(
            readonly(y),
            readonly(eta),
            readonly(weight),
            readonly(task_ptr),
            readonly(self.group_ptr),
            bool(fit_intercept),
            b,
            theta,
            task_loss,
        )

    def dual_limit(self, y, theta, weight):
        used = weight > 0
        u = theta[used] / weight[used]
        own = y[used] > 0
        # a residual of the wrong sign leaves only the origin; rounding is forgiven
        wrong = max(u[~own].max(initial=0.0), -u[own].min(initial=0.0))
        if not wrong <= _ROUNDING:
            return 0.0
        return 1.0 / max(u[own].max(initial=0.0), _LEAST)


class MultinomialOfRows(Loss):
    """`Multinomial` of arrays with a row for each observation and a column per class.

    y has positions of classes, eta is of shape (n_rows, n_classes), minus infinity for
    a class that cannot be. No loss is above that of the least probability that is told
    from zero.
    """

    name = "logistic"
    score = Multinomial.score
    curvature = 0.5
    likelihood = True
    classify = True

    def value(self, y, eta):
        own = np.take_along_axis(eta, y[:, None].astype(int), axis=1)[:, 0]
        return np.minimum(logsumexp(eta, axis=1) - own, -_LEAST_LOG)

    def derivative(self, y, eta):
        return softmax(eta, axis=1) - (y[:, None] == np.arange(eta.shape[1]))

    @staticmethod
    def floored(eta: np.ndarray) -> np.ndarray:
        """Return finite predictors, of probabilities that are zero or the least."""
        return np.maximum(eta, eta.max(axis=-1, keepdims=True) + _LEAST_LOG)

"""Refitting the coefficients that a sparse model has chosen, without its shrinkage."""

from __future__ import annotations

import numbers

import numpy as np

from linmtl.data import MultiTaskData
from linmtl.datafits._make import Join, make_datafit
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._docs import parameters
from linmtl.losses import Loss
from linmtl.penalties import L1, Penalty, Ridge, compose
from linmtl.solvers import Result, minimise
from linmtl.solvers._objective import Objective

# A logistic loss has no optimum where the features chosen separate the classes: this
# ridge, relative to the curvature of the loss, keeps it finite.
_LIGHT_RIDGE = 1e-4


@parameters
class Refitted(MultiTaskModel):
    """Mixin of the models that choose features: refit what they choose."""

    refit: bool | float = False

    def _store(self, problem, result):
        ridge = self._check_refit()
        super()._store(problem, result)
        if hasattr(self, "coef_before_refit_"):
            del self.coef_before_refit_
        if ridge is None:
            return
        join = self._join()  # of the largest loss: each task has what is best for it
        fitted = refit(
            problem.data,
            self._loss(),
            result.W,
            join=Join.SUM if join is Join.MAXIMUM else join,
            ridge=ridge,
            positive=problem.objective.penalty.positive,
            tol=self.tol,
            max_iter=self.max_iter,
        )
        given, classes = problem.given, problem.classes
        before = self.coef_
        if classes is None:
            W, b = self._lent(given, fitted.W, given.intercepts(fitted.b))
            self._set_linear(given, W.T, b)
        else:
            self._set_linear(
                given, *classes.by_task(fitted.W.T, fitted.b, len(given.tasks))
            )
        self.coef_before_refit_ = before
        self._warn_unless_converged(fitted)

    def _check_refit(self) -> float | None:
        """Return the strength of the ridge of the refit, -1 for the light one."""
        if self.refit is False:
            return None
        if getattr(self, "around", "zero") != "zero":
            raise ValueError(
                f"{type(self).__name__}: refit is for models with coefficients of "
                "zero, and around='mean' leaves none; drop one of the two"
            )
        if self.refit is True:
            return -1.0 if self._classify else 0.0
        if not isinstance(self.refit, numbers.Real) or not 0 <= self.refit < np.inf:
            raise ValueError(
                f"{type(self).__name__}: refit must be True, False or the strength of "
                f"a ridge, a finite number >= 0; got {self.refit!r}"
            )
        return float(self.refit)


def refit(
    data: MultiTaskData,
    loss: Loss,
    W: np.ndarray,
    *,
    join: Join = Join.SUM,
    ridge: float,
    positive: bool = False,
    tol: float,
    max_iter: int,
) -> Result:
    """Minimise the loss plus a ridge over the coefficients that are not zero in W.

    With ``positive`` they stay non-negative.

    Tasks with the same features are fitted together. What a task uses for any of its
    classes is free for all: one that is zero says no more than the others do, whose
    differences alone have a meaning. The result has the largest gap of these fits, and
    the first message.
    """
    results = []
    coef, intercept = np.zeros_like(W), np.zeros(W.shape[1])
    chosen, group_ptr = W != 0, data.design.group_ptr
    if group_ptr is not None:
        of_task = np.logical_or.reduceat(chosen, group_ptr[:-1], axis=1)
        chosen = np.repeat(of_task, np.diff(group_ptr), axis=1)
    masks, which = np.unique(chosen.T, axis=0, return_inverse=True)
    for k, mask in enumerate(masks):
        columns = np.flatnonzero(which.ravel() == k)
        features = np.flatnonzero(mask)
        fit = make_datafit(data.of_tasks(columns).restrict(features), loss, join)
        strength = ridge
        if ridge < 0:
            strength = _LIGHT_RIDGE * (
                fit.curvature(scaled=False)[1] if features.size else 1
            )
        penalty: Penalty = Ridge(strength)
        if positive:
            penalty = L1(0.0, positive=True) + penalty
        objective = Objective(fit, compose(penalty, features.size, columns))
        result = minimise(objective, tol=tol, max_iter=max_iter)
        coef[np.ix_(features, columns)] = result.W
        intercept[columns] = result.b
        results.append(result)
    worst = max(results, key=lambda result: result.gap - result.tol)
    worst.W, worst.b = coef, intercept
    return worst

"""scikit-learn: MultiTaskLasso, enet_path, MultiTaskLassoCV, LogisticRegression."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import (
    LogisticRegression,
    MultiTaskLasso,
    MultiTaskLassoCV,
    enet_path,
)

from benchmarks.solvers._base import Solution, Solver, is_shared_l21

_MANY = 1_000_000  # iterations: only the tolerance may stop a solver


class Sklearn(Solver):
    name = "sklearn"
    package = "scikit-learn"
    start = 8

    @classmethod
    def supports(cls, instance):
        problem = instance.problem
        alone = problem.loss == "logistic" and problem.penalty == "l1"
        return alone or is_shared_l21(instance, ("fit", "path", "cv"))

    def solve(self, tol):
        if self.problem.loss == "logistic":
            return self._solve_each_task(tol)
        X, Y = self.data.X, self.data.Y
        intercept = self.problem.fit_intercept
        if self.problem.kind == "path":
            return enet_path(
                X, Y, l1_ratio=1.0, alphas=self.alphas, tol=tol, max_iter=_MANY
            )
        if self.problem.kind == "cv":
            return MultiTaskLassoCV(
                alphas=self.alphas,
                cv=self.instance.folds(),
                fit_intercept=intercept,
                tol=tol,
                max_iter=_MANY,
                n_jobs=self.threads,
            ).fit(X, Y)
        return MultiTaskLasso(
            self.alphas[0],
            fit_intercept=intercept,
            copy_X=False,
            tol=tol,
            max_iter=_MANY,
        ).fit(X, Y)

    def _solve_each_task(self, tol):
        models = []
        for X, y in zip(self.data.Xs, self.data.targets, strict=True):
            C = 1.0 / (self.alphas[0] * len(y))
            model = LogisticRegression(
                l1_ratio=1.0, C=C, solver="saga", tol=tol, max_iter=_MANY
            )
            models.append(model.fit(X, y))
        return models

    def read(self, result):
        if isinstance(result, tuple):
            coefs = result[1]
            return Solution([coefs[:, :, k].T for k in range(coefs.shape[2])])
        if isinstance(result, list):
            W = np.column_stack([model.coef_[0] for model in result])
            return Solution([W], [np.array([model.intercept_[0] for model in result])])
        b = np.broadcast_to(result.intercept_, (self.data.n_tasks,))
        if self.problem.kind == "cv":
            mse = result.mse_path_.mean(axis=1)
            return Solution([result.coef_.T], [b], float(result.alpha_), mse)
        return Solution([result.coef_.T], [b])

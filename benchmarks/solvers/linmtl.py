"""linmtl itself."""

from __future__ import annotations

from typing import Any

import numpy as np

import linmtl
from benchmarks.objective import HUBER_DELTA
from benchmarks.solvers._base import Solution, Solver
from linmtl.path import mtl_path
from linmtl.penalties import L1, L21, MeanRegularized, TraceNorm

_MANY = 1_000_000


class Linmtl(Solver):
    name = "linmtl"
    package = "linmtl"
    start = 12
    loosest = 1  # relative tolerances lie below 1

    @classmethod
    def supports(cls, instance):
        return True

    def __init__(self, instance, threads):
        super().__init__(instance, threads)
        if instance.shared:
            self.fit_data = (self.data.X, self.data.Y)
        else:
            self.fit_data = linmtl.stack_tasks(self.data.Xs, self.data.targets)
        # sums of losses are means with these weights, over the mean number of rows
        mean_loss = self.problem.mean_loss
        self.unit = 1.0 if mean_loss else float(np.mean(self.data.n_rows))
        self.task_weight = None if mean_loss else "n_samples"

    def solve(self, tol):
        if self.problem.kind == "path":
            return self._path(tol, *self.fit_data)
        if self.problem.kind == "cv":
            return self._cross_validate(tol, *self.fit_data)
        return self._model(self.alphas[0], tol).fit(*self.fit_data)

    def _model(self, alpha, tol):
        loss, options = self.problem.loss, {}
        kind: Any = linmtl.MultiTaskClassifier
        if loss == "cox":
            kind = linmtl.CoxRegressor
        elif loss != "logistic":
            kind, options["loss"] = linmtl.MultiTaskRegressor, loss
        if loss == "huber":
            options["huber_delta"] = HUBER_DELTA
        return kind(
            self._penalty(alpha),
            **options,
            fit_intercept=self.problem.fit_intercept,
            task_weight=self.task_weight,
            tol=tol,
            max_iter=_MANY,
        )

    def _penalty(self, alpha):
        kinds = {"l21": L21, "l1": L1, "trace": TraceNorm, "mean": MeanRegularized}
        return kinds[self.problem.penalty](alpha / self.unit)

    def _path(self, tol, X, y, tasks=None):
        return mtl_path(
            X,
            y,
            tasks,
            penalty=self._penalty(1.0),
            loss=self.problem.loss,
            alphas=self.alphas / self.unit,
            fit_intercept=self.problem.fit_intercept,
            task_weight=self.task_weight,
            max_iter=_MANY,
            tol=tol,
            return_intercepts=True,
        )

    def _cross_validate(self, tol, X, Y):
        return linmtl.L21RegressorCV(
            alphas=self.alphas,
            cv=self.instance.folds(),
            fit_intercept=self.problem.fit_intercept,
            max_iter=_MANY,
            tol=tol,
            n_jobs=self.threads,
        ).fit(X, Y)

    def read(self, result):
        if isinstance(result, tuple):
            _, coefs, _, intercepts = result
            Ws = [coefs[:, :, k].T for k in range(coefs.shape[2])]
            return Solution(Ws, list(intercepts.T))
        Ws, bs = [result.coef_.T], [result.intercept_]
        if self.problem.kind == "cv":
            mse = result.mse_path_.mean(axis=1)
            return Solution(Ws, bs, float(result.alpha_), mse)
        return Solution(Ws, bs)

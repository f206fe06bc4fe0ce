"""Estimators that choose the strength of their penalty by cross-validation."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import ParameterGrid

from linmtl.data._read import FitInput
from linmtl.datafits._base import Datafit
from linmtl.estimators._base import MultiTaskModel, Problem
from linmtl.estimators._docs import parameters
from linmtl.model_selection._held_out import fold_of_observations, held_out_losses
from linmtl.penalties import Penalty, compose
from linmtl.solvers import minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._path import path_strengths

_TIE = 1e-7  # relative: losses this close are those of equal models


@parameters
class CrossValidated(MultiTaskModel):
    """Mixin: the strength, and other parameters of the penalty, by cross-validation.

    Folds are drawn within the tasks; a setting is judged by the mean over the tasks,
    weighted by ``task_weight``, of the loss that is minimised.
    """

    alphas: int | ArrayLike = 100
    eps: float = 1e-3
    cv: Any = 5
    selection: Literal["min", "1se"] = "min"
    n_jobs: int | None = None

    # parameters of the penalty that may be lists of values to try
    _grid: ClassVar[tuple[str, ...]] = ()
    # called after each fold with the parameters beside the strength (with one job)
    _progress: ClassVar[Callable[[dict[str, Any]], None] | None] = None

    def _settings(self) -> list[dict[str, Any]]:
        """Return the parameters of the penalty to try beside its strength."""
        if self._grid:
            values = {n: np.atleast_1d(getattr(self, n)).tolist() for n in self._grid}
            return list(ParameterGrid(values))
        return list(ParameterGrid(getattr(self, "param_grid", None) or {}))

    def _completed(
        self, settings: list[dict[str, Any]], fit: Datafit, columns: np.ndarray
    ) -> list[dict[str, Any]]:
        """Return the settings with what the data say in place of None."""
        return settings

    def _penalty_at(self, setting: dict[str, Any], alpha: float) -> Penalty:
        """Return the penalty with these parameters and this strength."""
        raise NotImplementedError

    def _part_with_strength(self, setting: dict[str, Any]) -> Penalty:
        """Return what the strength multiplies: its grid begins where that is zero."""
        return self._penalty_at(setting, 1.0)

    def _chosen(self, setting: dict[str, Any], alpha: float) -> dict[str, Any]:
        """Return the parameters to report of the best setting and strength."""
        return {**setting, "alpha": alpha}

    def _make_penalty(self) -> Penalty:
        # stands for all strengths while the data are read
        return self._penalty_at(self._settings()[0], 1.0)

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Choose the strength by cross-validation, and fit all data with it.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with ``task_column``, one column holds the task labels.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, or labels of two classes, in any layout.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row: all strings or all numbers.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter is not allowed; the message says why.
        """
        self._check_cv()
        problem = self._read_problem(X, y, tasks, sample_weight)
        given, data, columns, objective = problem
        fit = objective.base_fit
        fold = fold_of_observations(given, data, self.cv)
        settings = self._completed(self._settings(), fit, columns)
        alphas, losses = [], []
        for setting in settings:
            penalty = self._part_with_strength(setting)
            start = Objective(fit, compose(penalty, fit.n_features, columns))
            strengths = path_strengths(start, self.alphas, self.eps)
            alphas.append(strengths)
            losses.append(
                held_out_losses(
                    data,
                    self._loss(),
                    [self._penalty_at(setting, alpha) for alpha in strengths],
                    columns,
                    fold,
                    join=self._join(),
                    strengths=strengths,
                    n_samples=given.n_samples,
                    tol=self.tol,
                    max_iter=self.max_iter,
                    solver=self.solver,
                    n_jobs=self.n_jobs,
                    progress=self._progress and partial(self._progress, setting),
                )
            )
        setting = self._choose(given, settings, np.array(alphas), np.array(losses))
        self._refit(problem, setting)
        return self

    def _check_cv(self) -> None:
        name = type(self).__name__
        if self.selection not in ("min", "1se"):
            raise ValueError(
                f"{name}: selection must be 'min' or '1se', got {self.selection!r}"
            )
        cv = self.cv
        if isinstance(cv, numbers.Integral) and (isinstance(cv, bool) or cv < 2):
            raise ValueError(f"{name}: cv must be at least 2 folds, got {cv!r}")

    def _choose(self, given: FitInput, settings, alphas, losses) -> dict[str, Any]:
        """Store the losses, (n_settings, n_alphas, n_folds, n_tasks), and the best.

        Return the best setting.
        """
        weight = given.data.total  # lambda_t; zero for a task left out of the loss
        counted = ~np.isnan(losses)
        if not counted.any():
            raise ValueError(
                f"{type(self).__name__}: cv judges no task, since each is either "
                "wholly in training or wholly held out; split the rows within the "
                "tasks, for example cv=5 (LeaveOneTaskOut and other splitters of whole "
                "tasks judge models of unknown tasks, in GridSearchCV)"
            )
        total = np.where(counted, losses * weight, 0.0).sum(axis=-1)
        judged = (counted * weight).sum(axis=-1)
        per_fold = np.full(total.shape, np.nan)  # NaN for a fold that judges no task
        np.divide(total, judged, out=per_fold, where=judged > 0)
        mean = np.nanmean(per_fold, axis=-1)
        least = mean.min()  # of equal models rounding would choose one at random
        tied = mean <= least + _TIE * abs(least)
        best = np.unravel_index(np.argmax(tied), mean.shape)
        if self.selection == "1se":
            known = per_fold[best][~np.isnan(per_fold[best])]
            error = known.std(ddof=1) / np.sqrt(known.size) if known.size > 1 else 0.0
            good = mean[best[0]] <= mean[best] + error
            best = best[0], int(np.argmax(good))  # strengths decrease
        self.alpha_ = float(alphas[best])
        setting = settings[best[0]]
        self.best_params_ = self._chosen(setting, self.alpha_)
        one = len(settings) == 1
        self.alphas_ = alphas[0] if one else alphas
        for name in getattr(self, "_paths", ()):  # of an earlier fit
            self.__dict__.pop(name, None)
        score = self._join().score(self._loss())
        self._paths = score.path, f"task_{score.path}"
        for name, values in zip(self._paths, (per_fold, losses), strict=True):
            setattr(self, name, score.path_factor * (values[0] if one else values))
        return setting

    def _refit(self, problem: Problem, setting: dict[str, Any]) -> None:
        _, _, columns, objective = problem
        penalty = self._penalty_at(setting, self.alpha_)
        fit = objective.base_fit
        best = Objective(fit, compose(penalty, fit.n_features, columns))
        result = minimise(
            best,
            tol=self.tol,
            max_iter=self.max_iter,
            solver=self.solver,
            W0=self._warm_W(best.shape, columns),
            verbose=self.verbose,
        )
        self._store(problem._replace(objective=best), result)

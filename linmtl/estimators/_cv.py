"""Estimators that choose the strength of their penalty by cross-validation."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import ParameterGrid

from linmtl.data import MultiTaskData
from linmtl.data._checks import check_choice
from linmtl.data._fit_input import FitInput
from linmtl.data._warn import warn
from linmtl.datafits._base import Datafit
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._curves import (
    Curve,
    best_place,
    bound_of,
    not_surely_worse,
    open_axes,
)
from linmtl.estimators._docs import parameters
from linmtl.estimators._held_out_scores import negated_scores, scorer_of
from linmtl.estimators._problem import Problem
from linmtl.estimators._scale import uneven
from linmtl.estimators._search import Run, Search
from linmtl.losses import Score
from linmtl.model_selection._folds import fold_of_observations
from linmtl.model_selection._grid import End, is_flat
from linmtl.model_selection._held_out import (
    ChosenWithout,
    HeldOutClasses,
    HeldOutPath,
    HeldOutPredictions,
    Parts,
)
from linmtl.model_selection._leave_one_out import units
from linmtl.penalties import Penalty
from linmtl.solvers import minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._path import path_strengths


def _mean_over_tasks(losses: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the weighted mean over the tasks judged, NaN where there is none."""
    counted = ~np.isnan(losses)
    total = np.where(counted, losses * weight, 0.0).sum(axis=-1)
    judged = (counted * weight).sum(axis=-1)
    out = np.full(total.shape, np.nan)
    return np.divide(total, judged, out=out, where=judged > 0)


@parameters
class CrossValidated(MultiTaskModel):
    """Mixin: the strength, and other parameters of the penalty, by cross-validation.

    Folds are drawn within the tasks; a setting is judged by the mean over the tasks,
    weighted by ``task_weight``, of the loss that is minimised.
    """

    alphas: int | ArrayLike = 100
    eps: float = 1e-3
    cv: Any = 5
    criterion: Literal["aic", "bic", "gcv"] | None = None
    selection: Literal["min", "1se"] = "min"
    scoring: str | Callable[..., Any] | None = None
    scale_features: bool | Literal["auto"] = "auto"
    n_jobs: int | None = None

    # parameters of the penalty that may be lists of values to try
    _grid: ClassVar[tuple[str, ...]] = ()
    # called after each fold with the parameters beside the strength (with one job)
    _progress: ClassVar[Callable[[dict[str, Any]], None] | None] = None
    # tolerance of models that only have to show where the best is, if above `tol`
    _search_tol: ClassVar[float] = 0.0

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

    def _beginning(self, problem: Problem, setting: dict[str, Any]) -> Objective:
        """Return the problem whose solution is zero where the grid begins."""
        part = problem.compose(self._part_with_strength(setting))
        return Objective(problem.objective.base_fit, part)

    def _score(self) -> Score:
        """Return how held-out losses are reported."""
        return self._join().score(self._loss())

    def _chosen(self, setting: dict[str, Any], alpha: float) -> dict[str, Any]:
        """Return the parameters to report of the best setting and strength."""
        return {**setting, "alpha": alpha}

    def _beyond(self, curves: list[Curve]) -> dict[str, Any] | None:
        """Return a setting beyond those tried, where the best one ends them."""
        return None

    def _make_penalty(self) -> Penalty:
        # stands for all strengths while the data are read
        return self._penalty_at(self._settings()[0], 1.0)

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
        coef_init: ArrayLike | None = None,
    ) -> Self:
        """Choose the strength by cross-validation, and fit all data with it.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with ``task_column``, one column holds the task labels. A feature
            that is NaN in every row of a task is one that the task does not have.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, or labels of classes, in any layout.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row: all strings or all numbers.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0.
        offset : float or array-like of shape (n_samples,) or of y's shape, default=None
            A known part of the linear predictor, which folds split as they do y. It is
            for ``predict`` too then.
        coef_init : array-like of the shape of ``coef_``, default=None
            Coefficients that the fit of all data starts from; by default the last
            solution with ``warm_start``, else none.

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
        problem = self._read_problem(
            X, y, tasks, sample_weight, offset, incomplete=True
        )
        given, data, classes = problem.given, problem.data, problem.classes
        if classes is not None:
            fold = classes.spread(data, self._fold_of_rows(given))
        elif self._leaves_one_out:
            fold = units(data, self._loss())
        elif self.criterion is None:
            fold = self._folds(given, data)
        else:
            fold = np.zeros(data.y.size, dtype=int)  # all judge, and are judged
        search = self._search_in(problem, fold)
        curves = search.extended(search.curves(self._runs(problem)))
        search.refine(curves)
        bound = bound_of(curves)
        setting = self._choose(curves, bound)
        self._warn_of_search(curves, bound)
        flat = is_flat(np.concatenate([curve.mean for curve in curves]))
        point = next(curve.point for curve in curves if curve.setting is setting)
        self._refit(problem, setting, flat, coef_init, point)
        return self

    def _runs(self, problem: Problem) -> list[Run]:
        """Return what there is to try."""
        fit, columns = problem.objective.base_fit, problem.columns
        settings = self._completed(self._settings(), fit, columns)
        starts = [self._beginning(problem, setting) for setting in settings]
        return [
            Run(setting, start, path_strengths(start, self.alphas, self.eps))
            for setting, start in zip(settings, starts, strict=True)
        ]

    def _tunes_on_folds(self) -> bool:
        return (
            isinstance(self.cv, numbers.Integral)
            and self.criterion is None
            and self.scoring is None
            and self._loss().of_rows
        )

    def _chosen_without(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None,
        sample_weight: ArrayLike | None,
        folds: Sequence[tuple[np.ndarray, np.ndarray]],
        offset: ArrayLike | None = None,
        near: Any = None,
    ) -> ChosenWithout:
        self._check_cv()
        problem = self._read_problem(
            X, y, tasks, sample_weight, offset, incomplete=True
        )
        given, data = problem.given, problem.data
        search = self._search_in(problem, fold_of_observations(given, data, folds))
        if near is None:
            curves = search.extended(search.curves(self._runs(problem)))
        else:
            curves = search.curves(
                [
                    Run(setting, self._beginning(problem, setting), strengths)
                    for setting, strengths in near[0]
                ]
            )
        losses = np.array([curve.per_fold for curve in curves])
        eta, at_bound = np.full(data.y.size, np.nan), []
        places: dict[tuple[int, int], list[int]] = {}
        for k in range(losses.shape[2]):
            others = np.delete(losses, k, axis=2)
            if np.isnan(others).all():  # there are none that judge
                others = losses
            place = best_place(others, self.selection == "1se")
            places.setdefault(place, []).append(k)
            if near is None:
                of_others = [
                    replace(curve, per_fold=each)
                    for curve, each in zip(curves, others, strict=True)
                ]
                at_bound.append(bound_of(of_others) is not None)
        for (i, j), some in places.items():
            predicted = search.predictions(curves[i], j, some)
            eta = np.where(np.isnan(predicted), eta, predicted)
        if near is None:
            best = best_place(losses, self.selection == "1se")
            near = not_surely_worse(curves, best), np.array(at_bound)
        bound = np.tile(near[1][:, None], len(given.tasks))
        return ChosenWithout(given.rows, data.y, eta, bound, near)

    def _fold_of_rows(self, given: FitInput) -> np.ndarray:
        """Return the fold of each observation, of more than two classes."""
        if self.criterion is not None:
            return np.zeros(given.data.y.size, dtype=int)  # all judge
        if self._leaves_one_out:
            return units(given.data, self._loss(), classes=True)
        return self._folds(given, given.data)

    def _folds(self, given: FitInput, data: MultiTaskData) -> np.ndarray:
        """Return the fold in which each observation is held out, -1 for never."""
        return fold_of_observations(given, data, self.cv)

    def _rescaled(self, given: FitInput) -> FitInput:
        scale = self.scale_features
        dense = not given.data.design.is_sparse
        if scale is True or (scale == "auto" and dense):
            spread = given.spreads()
            if scale is True or uneven(spread):
                given = given.scaled(spread)
        self.feature_scale_ = given.scales
        return given

    def _search_in(self, problem: Problem, fold: np.ndarray) -> Search:
        """Return the search in some folds, the same for all settings."""
        given, data = problem.given, problem.data
        n_samples, classes = given.n_samples, problem.classes
        if classes is not None:
            n_samples = n_samples[classes.task]
        elif data.design.n_tasks < n_samples.size:  # all tasks as one
            n_samples = n_samples.sum(keepdims=True)
        parts = Parts(
            data,
            self._loss(),
            fold,
            join=self._join(),
            n_samples=n_samples,
            rows=self.scoring is not None,
            present=given.present,
        )
        return Search(
            type(self).__name__,
            problem,
            parts,
            penalty_at=self._penalty_at,
            beginning=partial(self._beginning, problem),
            beyond=self._beyond,
            judge=partial(self._judge, problem, fold),
            cv=self.cv,
            criterion=self.criterion,
            one_out=self._leaves_one_out,
            extends=np.ndim(self.alphas) == 0,
            n_jobs=self.n_jobs,
            options=self._options(),
            rough_tol=self._search_tol,
            progress=self._progress,
        )

    def _judge(
        self, problem: Problem, fold: np.ndarray, path: HeldOutPath
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what held-out rows lose along a path, by fold and by task."""
        given, data, classes = problem.given, problem.data, problem.classes
        eta = path.eta
        if eta is None or self.scoring is None:
            return _mean_over_tasks(path.losses, given.data.total), path.losses
        if classes is not None:
            eta, fold = classes.by_row(data, eta), self._fold_of_rows(given)
        rows = np.flatnonzero((fold >= 0) & (given.data.weight > 0))
        if given.offset is not None and given.data.offset is None:
            eta = eta + given.offset
        name = type(self).__name__
        return negated_scores(
            name,
            scorer_of(name, self.scoring),
            partial(self._answers, given),
            eta[:, rows],
            self._labels(given, rows),
            given.code[rows],
            given.tasks,
            given.sample_weight[rows],
        )

    def _options(self) -> dict[str, Any]:
        return {"tol": self.tol, "max_iter": self.max_iter, "solver": self.solver}

    @property
    def _leaves_one_out(self) -> bool:
        whole = self.criterion is None
        return whole and isinstance(self.cv, str) and self.cv == "loo"

    def _check_cv(self) -> None:
        name = type(self).__name__
        if self.selection not in ("min", "1se"):
            raise ValueError(
                f"{name}: selection must be 'min' or '1se', got {self.selection!r}"
            )
        check_choice(
            f"{name}: scale_features", self.scale_features, (True, False, "auto")
        )
        check_choice(f"{name}: criterion", self.criterion, (None, "aic", "bic", "gcv"))
        one = self.criterion is not None or self._leaves_one_out
        if one and self.selection == "1se":
            raise ValueError(
                f"{name}: selection='1se' needs folds; pass a number of them as cv, "
                "and no criterion"
            )
        if self.criterion is not None and self.scoring is not None:
            raise ValueError(
                f"{name}: criterion and scoring both choose the strength; pass one"
            )
        if self.scoring is not None and self.selection == "1se":
            raise ValueError(
                f"{name}: selection='1se' needs a loss in each fold, and scoring= "
                "scores the predictions of all folds together; drop one of the two"
            )
        cv = self.cv
        if isinstance(cv, numbers.Integral) and (isinstance(cv, bool) or cv < 2):
            raise ValueError(f"{name}: cv must be at least 2 folds, got {cv!r}")

    def _labels(self, given: FitInput, rows: np.ndarray) -> np.ndarray:
        """Return the targets of some observations as they were passed."""
        return given.labels(rows)

    def _answers(self, given: FitInput, eta: np.ndarray) -> HeldOutPredictions:
        """Return what scorers take for a model of these linear predictors."""
        if given.classes is None:
            return HeldOutPredictions(eta, self._loss())
        return HeldOutClasses(eta, self._loss(), given.classes)

    def _choose(self, curves: list[Curve], bound: End | None) -> dict[str, Any]:
        """Store the losses and the best of them. Return the best setting."""
        alphas = np.array([curve.strengths for curve in curves])
        per_fold = np.array([curve.per_fold for curve in curves])
        best = best_place(per_fold, self.selection == "1se")
        self.alpha_ = float(alphas[best])
        self.at_bound_ = bound is not None
        setting = curves[best[0]].setting
        self.best_params_ = self._chosen(setting, self.alpha_)
        one = len(curves) == 1
        self.alphas_ = alphas[0] if one else alphas
        for name in getattr(self, "_paths", ()):  # of an earlier fit
            self.__dict__.pop(name, None)
        score = self._score()
        path, factor = score.path, score.path_factor
        if self.scoring is not None:
            path, factor = "scores_path_", -1.0
        self._paths = path, f"task_{path}"
        self.__dict__.pop("degrees_of_freedom_", None)
        freedom = curves[best[0]].freedom
        if freedom is not None:
            self.degrees_of_freedom_ = float(freedom[best[1]])
        if self.criterion is not None:
            self._paths = ("criterion_path_",)
            self.criterion_path_ = per_fold[0, :, 0] if one else per_fold[:, :, 0]
            return setting
        per_task = np.array([curve.per_task for curve in curves])
        for name, values in zip(self._paths, (per_fold, per_task), strict=True):
            setattr(self, name, factor * (values[0] if one else values))
        return setting

    def _warn_of_search(self, curves: list[Curve], bound: End | None) -> None:
        name = type(self).__name__
        if bound is not None:
            weaker = "smallest" if bound == "low" else "largest"
            numbered = np.ndim(self.alphas) == 0
            warn(
                f"{name}: the best strength is the {weaker} tried, and what is held "
                "out is predicted better and better towards it"
                + (
                    ", although the grid went on while fits converged; pass alphas= "
                    "with others, or scale the features (scale_features=True)"
                    if numbered
                    else f"; pass alphas that reach beyond the {weaker}"
                ),
            )
        for parameter, end in open_axes(curves).items():
            if getattr(self, parameter, ()) is None:
                continue  # values that the data gave
            extreme = "smallest" if end == "low" else "largest"
            warn(
                f"{name}: the best {parameter} is the {extreme} tried, and what is "
                "held out is predicted better and better towards it; pass values "
                "beyond"
            )
        unconverged = sum(curve.unconverged for curve in curves)
        if unconverged:
            fits = sum(curve.strengths.size * len(curve.ends) for curve in curves)
            warn(
                f"{name}: {unconverged} of the {fits} fits in cross-validation did not "
                "converge, and were judged as they were; raise max_iter or tol",
                ConvergenceWarning,
            )

    def _refit(
        self,
        problem: Problem,
        setting: dict[str, Any],
        flat: bool,
        coef_init: Any = None,
        point: np.ndarray | None = None,
    ) -> None:
        penalty = self._penalty_at(setting, self.alpha_)
        fit = problem.objective.base_fit
        best = Objective(fit, problem.compose(penalty))
        start = self._start(problem._replace(objective=best), coef_init)
        result = minimise(
            best,
            tol=self.tol,
            max_iter=self.max_iter,
            solver=self.solver,
            W0=point if start is None else start,
            verbose=self.verbose,
        )
        if result.scale > 0 and flat:
            warn(
                f"{type(self).__name__}: what is held out tells no strength from "
                f"another, and the largest was taken, {self.alpha_:.3g}. Where tasks "
                "have one row in training they learn nothing beside their intercepts: "
                "pass a cv that holds out fewer rows of each, or choose alpha yourself"
            )
        elif result.scale > 0 and not result.W.any() and self.alphas_.size > 1:
            warn(
                f"{type(self).__name__}: cross-validation chose the null model, all "
                "coefficients zero: no other strength predicts held-out rows better "
                "than the level of each task. With few rows of one of two classes, "
                "scoring='roc_auc' may tell the models apart"
            )
        self._store(problem._replace(objective=best), result)

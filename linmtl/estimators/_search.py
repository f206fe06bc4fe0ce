"""A search of the strengths, and other parameters, of one estimator on its data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from linmtl.estimators._curves import Curve, best_of, end_worth_extending, joined
from linmtl.estimators._problem import Problem
from linmtl.model_selection import LeaveOneTaskOut
from linmtl.model_selection._grid import best_strength, further_strengths
from linmtl.model_selection._held_out import Along, HeldOutPath, Parts, held_out_paths
from linmtl.model_selection._leave_one_out import (
    criterion_path,
    left_out_path,
    left_out_tasks_path,
)
from linmtl.penalties import Penalty
from linmtl.solvers import minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._path import top_strength

_ROUGHNESS = 0.005  # of rough losses, relative: within it the best one is open


class Run(NamedTuple):
    """What to follow a curve along."""

    setting: dict[str, Any]
    start: Objective
    strengths: np.ndarray
    ends: list[np.ndarray] | None = None


@dataclass(frozen=True)
class Search:
    """Held-out losses of models of several settings and strengths.

    Attributes
    ----------
    name : str
        The estimator, for messages.
    problem : Problem
        What is solved with each penalty on all data.
    parts : Parts
        The data in folds.
    penalty_at : callable
        The penalty of a setting and a strength.
    beginning : callable
        The problem, for a setting, whose solution is zero where the grid begins.
    beyond : callable
        A setting beyond those of some curves, or None.
    judge : callable
        Of a path the losses by fold, (n_strengths, n_folds), and those by task,
        (n_strengths, n_folds, n_tasks).
    cv : object
        As of the estimator: whole tasks are left out by their moments.
    criterion : str or None
        What judges the fit of all data instead of folds.
    one_out : bool
        Whether each row is left out.
    extends : bool
        Whether the grid may go on.
    n_jobs : int or None
        Jobs over the folds.
    options : dict
        Tolerance, iterations and solver of each fit.
    rough_tol : float
        The tolerance of models that only have to show where the best is.
    progress : callable or None
        Called with the setting after each fold.
    """

    name: str
    problem: Problem
    parts: Parts
    penalty_at: Callable[[dict[str, Any], float], Penalty]
    beginning: Callable[[dict[str, Any]], Objective]
    beyond: Callable[[list[Curve]], dict[str, Any] | None]
    judge: Callable[[HeldOutPath], tuple[np.ndarray, np.ndarray]]
    cv: Any
    criterion: str | None
    one_out: bool
    extends: bool
    n_jobs: int | None
    options: dict[str, Any]
    rough_tol: float
    progress: Callable[[dict[str, Any]], None] | None

    def curves(self, runs: list[Run], exact: bool = False) -> list[Curve]:
        """Return the held-out losses along the strengths of each run."""
        paths = self._paths(runs, exact)
        return [self._curve(*pair) for pair in zip(runs, paths, strict=True)]

    def _curve(self, run: Run, path: HeldOutPath | None) -> Curve:
        if path is None or np.isnan(path.losses).all():
            raise ValueError(
                f"{self.name}: cv judges no task, since each is either wholly in "
                "training or wholly held out; split the rows within the tasks, for "
                "example cv=5 (LeaveOneTaskOut and other splitters of whole tasks "
                "judge models of unknown tasks, in GridSearchCV, and the former in "
                "MeanRegularizedRegressorCV)"
            )
        per_fold, per_task = self.judge(path)
        return Curve(
            run.setting,
            run.start,
            run.strengths,
            run.strengths,
            per_fold,
            per_task,
            path.ends,
            path.unconverged,
            np.full(run.strengths.size, path.exact),
            path.freedom,
        )

    def _paths(self, runs: list[Run], exact: bool) -> Sequence[HeldOutPath | None]:
        """Return what models along some strengths make of the rows held out.

        None where whole tasks are, and nothing is known of them.
        """
        if self.criterion is not None or self.one_out:
            return [self._path_of_one_fit(run, exact) for run in runs]
        penalties = [self._penalties(run) for run in runs]
        columns = self.problem.columns
        if isinstance(self.cv, LeaveOneTaskOut):
            fit = self.problem.objective.base_fit
            whole = self.problem.data, self.parts.loss, fit
            return [
                left_out_tasks_path(*whole, each, columns, rows=self.parts.rows)
                for each in penalties
            ]
        progress = None if exact else self.progress
        paths = [
            Along(
                each,
                run.strengths,
                run.ends,
                progress and partial(progress, run.setting),
            )
            for run, each in zip(runs, penalties, strict=True)
        ]
        options = {"exact": exact, "n_jobs": self.n_jobs, **self.options}
        if not exact:
            options["tol"] = max(options["tol"], self.rough_tol)
        return held_out_paths(self.parts, paths, columns, **options)

    def _path_of_one_fit(self, run: Run, exact: bool) -> HeldOutPath | None:
        """Return the same by a criterion, or of rows that are left out one by one.

        None where none may be left out.
        """
        problem, parts = self.problem, self.parts
        fit, penalties = problem.objective.base_fit, self._penalties(run)
        whole = problem.data, parts.loss, fit, penalties, problem.columns
        along: dict[str, Any] = {"strengths": run.strengths, "starts": run.ends}
        along |= self.options
        if self.criterion is not None:
            return criterion_path(*whole, self.criterion, **along)
        if np.all(parts.fold < 0):
            return None
        return left_out_path(
            *whole,
            parts.fold,
            join=parts.join,
            n_samples=parts.n_samples,
            n_jobs=self.n_jobs,
            exact=exact,
            present=parts.present,
            **along,
        )

    def _penalties(self, run: Run) -> list[Penalty]:
        return [
            self.problem.on_columns(self.penalty_at(run.setting, alpha))
            for alpha in run.strengths
        ]

    def extended(self, curves: list[Curve]) -> list[Curve]:
        """Return the curves on longer grids, while the best model ends them."""
        while True:
            if self.extends and curves[0].grid.size > 1:
                curves = self._along_strengths(curves)
            setting = self.beyond(curves)
            if setting is None:
                return curves
            best = best_of(curves)
            run = Run(setting, self.beginning(setting), best.strengths)
            [curve] = self.curves([run])
            curves = [*curves, replace(curve, grid=best.grid)]

    def _along_strengths(self, curves: list[Curve]) -> list[Curve]:
        """Return the curves with further strengths, a decade at a time for all."""
        while end := end_worth_extending(curves):
            runs = []
            for curve in curves:
                beyond = further_strengths(curve.strengths, end, curve.grid)
                if beyond is None:
                    return curves
                if end == "high" and np.isfinite(top_strength(curve.start)):
                    return curves  # nothing changes beyond
                ends = curve.ends if end == "low" else None
                runs.append(Run(curve.setting, curve.start, beyond, ends))
            longer = []
            for curve, further in zip(curves, self.curves(runs), strict=True):
                if further.unconverged:
                    return curves
                pair = (curve, further) if end == "low" else (further, curve)
                longer.append(replace(joined(*pair), grid=curve.grid))
            curves = longer
        return curves

    def refine(self, curves: list[Curve]) -> None:
        """Make models exact where the best may be, until it and its neighbours are."""
        fit = self.problem.objective.base_fit
        while True:
            least = np.array([curve.mean.min() for curve in curves])
            open_ = least <= least.min() + _ROUGHNESS * abs(least.min())
            rough = [
                curve
                for curve, among in zip(curves, open_, strict=True)
                if among and curve.rough.size
            ]
            if not rough:
                return
            runs = []
            for curve in rough:
                some, best = curve.rough, curve.strengths[best_strength(curve.mean)]
                penalty = self.problem.compose(self.penalty_at(curve.setting, best))
                objective = Objective(fit, penalty)
                curve.point = minimise(objective, W0=curve.point, **self.options).point
                ends = [curve.point] * len(curve.ends)
                runs.append(
                    Run(curve.setting, curve.start, curve.strengths[some], ends)
                )
            near = self.curves(runs, exact=True)
            for curve, exact in zip(rough, near, strict=True):
                curve.correct(curve.rough, exact)

    def predictions(self, curve: Curve, place: int, folds: list[int]) -> np.ndarray:
        """Return linear predictors, of rows held out in some folds, at one strength.

        NaN for other rows. What losses were found from is too rough to be judged.
        """
        held = self.parts.of_folds(folds)
        run = Run(curve.setting, curve.start, curve.strengths[[place]])
        ends = [curve.ends[k] for k in folds]
        along = Along(self._penalties(run), run.strengths, ends)
        options = {"exact": True, "n_jobs": self.n_jobs, **self.options}
        [path] = held_out_paths(held, [along], self.problem.columns, **options)
        eta = np.full(held.fold.size, np.nan)
        predicted: Any = path.eta
        eta[held.fold >= 0] = predicted[0, held.fold >= 0]
        return eta

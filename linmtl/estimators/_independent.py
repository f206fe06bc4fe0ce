"""Every task learned alone: one ridge or logistic regression per task."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from linmtl.data import MultiTaskData
from linmtl.data._checks import check_choice
from linmtl.data._fit_input import FitInput
from linmtl.data._labels import some
from linmtl.data._warn import warn
from linmtl.datafits._make import Join
from linmtl.estimators._base import Classifier, MultiTaskModel, Regressor
from linmtl.estimators._docs import estimator
from linmtl.estimators._scale import uneven
from linmtl.estimators._settings import check_settings
from linmtl.model_selection._folds import fold_of_observations
from linmtl.model_selection._grid import (
    WORTH_SAYING,
    End,
    best_strength,
    falling_end,
    further_strengths,
    is_flat,
    open_end,
)
from linmtl.model_selection._held_out import (
    ChosenWithout,
    HeldOutPath,
    Parts,
    held_out_path,
    mean_over_folds,
)
from linmtl.model_selection._leave_one_out import left_out_path, units
from linmtl.penalties import Penalty, Ridge

_MOST = 2.0  # ratio of losses that counts in the choice among ways to tune
_FOLDS = 5
_ALMOST = 1e-9  # of a decade of strengths
_GRID = np.logspace(2, -4, 13)  # strengths tried, relative to each task's curvature


@dataclass
class _Tuned:
    """Held-out losses of tasks alone on features of one scale.

    Attributes
    ----------
    given : FitInput
        The data, features scaled.
    curvature : ndarray of shape (n_tasks,)
        The largest of each task's loss.
    relative : ndarray of shape (n_strengths,)
        Strengths relative to it, decreasing.
    losses : ndarray of shape (n_strengths, n_folds, n_tasks)
        The losses; NaN for a task with nothing held out in a fold.
    unconverged : int
        The number of fits that did not converge.
    """

    given: FitInput
    curvature: np.ndarray
    relative: np.ndarray
    losses: np.ndarray
    unconverged: int

    @property
    def mean(self) -> np.ndarray:
        """The losses over all folds, (n_strengths, n_tasks), NaN for a task in none."""
        return mean_over_folds(self.losses)

    def at_end(self, end: End) -> np.ndarray:
        """Return the tasks (positions) whose best strength is at this end."""
        return self._where(partial(open_end, nothing=WORTH_SAYING), end)

    def at_bound(self, best: np.ndarray) -> np.ndarray:
        """Return the mask of the tasks whose strength (a position) ends those tried.

        And a better one is likely to lie beyond.
        """
        out = np.zeros(best.size, dtype=bool)
        ends: tuple[tuple[End, int], ...] = (("low", -1), ("high", 0))
        for end, place in ends:
            tasks = self.at_end(end)
            out[tasks] = best[tasks] == place % self.relative.size
        return out

    def without(self, k: int) -> _Tuned:
        """Return the losses of the other folds."""
        return replace(self, losses=np.delete(self.losses, k, axis=1))

    def falling(self, end: End) -> np.ndarray:
        """Return the tasks (positions) whose best strength may be beyond this end."""
        return self._where(falling_end, end)

    def _where(self, end_of: Callable[..., End | None], end: End) -> np.ndarray:
        losses = self.mean
        some = np.flatnonzero(self._falls_towards(end, losses))
        found = [end_of(self.relative, losses[:, t]) == end for t in some]
        return some[np.array(found, dtype=bool)]

    def _falls_towards(self, end: End, losses: np.ndarray) -> np.ndarray:
        """Return which tasks may have their best strength at an end or beyond it.

        Those whose loss is lower there than a decade before.
        """
        strengths = self.relative
        if end == "high":  # the same, seen from there
            strengths, losses = 1.0 / strengths[::-1], losses[::-1]
        known, task = np.isfinite(losses), np.arange(losses.shape[1])
        first = known.argmax(axis=0)
        last = len(losses) - 1 - known[::-1].argmax(axis=0)
        decade = strengths[last] * 10.0 ** (1.0 - _ALMOST)
        before = np.searchsorted(-strengths, -decade, side="right") - 1
        falls = losses[np.maximum(before, first), task] > losses[last, task]
        return falls & known.any(axis=0)

    def extended(
        self, end: End, beyond: np.ndarray, path: HeldOutPath, tasks: np.ndarray
    ) -> _Tuned:
        """Return the losses on a longer grid, infinite there for other tasks."""
        unknown = np.where(np.isnan(self.losses[:1]), np.nan, np.inf)
        further = np.repeat(unknown, beyond.size, axis=0)
        # of the last folds these tasks may have nothing
        further[:, : path.losses.shape[1]][..., tasks] = path.losses
        parts = [(self.relative, self.losses), (beyond, further)]
        relative, losses = (
            np.concatenate(part if end == "low" else part[::-1])
            for part in zip(*parts, strict=True)
        )
        unconverged = self.unconverged + path.unconverged
        return replace(self, relative=relative, losses=losses, unconverged=unconverged)

    def best(self, losses: np.ndarray, common: bool) -> np.ndarray:
        """Return the best strength of each task (positions) by losses over some folds.

        Of each task by itself, or the same for all. A task that is not judged takes the
        one that is best on average.
        """
        losses = mean_over_folds(losses)
        judged = ~np.isnan(losses[0])
        known = np.where(np.isfinite(losses), losses, 0.0)[:, judged]
        scale = np.maximum(known.max(axis=0, initial=0.0), 1e-300)
        shared = best_strength((losses[:, judged] / scale).sum(axis=1))
        best = np.full(losses.shape[1], shared)
        if not common:
            best[judged] = [best_strength(loss) for loss in losses[:, judged].T]
        return best

    def honest_loss(self, common: bool) -> np.ndarray:
        """Return the loss of each task with strengths chosen on the other folds."""
        n_folds, n_tasks = self.losses.shape[1:]
        out = np.full((n_folds, n_tasks), np.nan)
        for k in range(n_folds):
            others = np.delete(self.losses, k, axis=1)
            if not np.isnan(others).all():
                best = self.best(others, common)
                out[k] = self.losses[best, k, np.arange(n_tasks)]
        return mean_over_folds(out)


class _Independent(MultiTaskModel):
    """Ridge with a strength per task, given or chosen for each."""

    alpha: float | ArrayLike | Mapping[Any, float] | str
    cv: Any
    per_task: bool | Literal["auto"]
    scale_features: bool | Literal["auto"]

    _lends = False

    def _problem(self, given: FitInput) -> tuple[MultiTaskData, np.ndarray]:
        if not self._tuned():
            penalty = Ridge(self.alpha)
            penalty.check(given.data.design.n_features, given.tasks)
            strength = penalty.quadratic(given.tasks).ridge
            self.alpha_ = np.broadcast_to(strength, given.tasks.shape).copy()
        return given.data, given.tasks

    def _make_penalty(self) -> Penalty:
        return Ridge(self.alpha_)

    def _join(self) -> Join:
        # The largest loss of models that share nothing is least where each is. Joined
        # by their maximum, tasks would weigh less than where their strength was tuned.
        join = super()._join()
        return Join.SUM if self._tuned() and join is Join.MAXIMUM else join

    def _tuned(self) -> bool:
        return isinstance(self.alpha, str)

    def _rescaled(self, given: FitInput) -> FitInput:
        name = type(self).__name__
        for parameter in ("scale_features", "per_task"):
            value = getattr(self, parameter)
            check_choice(f"{name}: {parameter}", value, (True, False, "auto"))
        tuned = self._tuned()
        if tuned and self.alpha != "cv":
            raise ValueError(
                f"{name}: alpha must be a number >= 0, one per task, or 'cv', got "
                f"{self.alpha!r}"
            )
        forms = self._forms(given)
        if not tuned:
            self.feature_scale_ = forms[0].scales
            self.__dict__.pop("at_bound_", None)  # of an earlier fit
            return forms[0]
        fold = fold_of_observations(given, given.data, self._n_folds())
        return self._tune([self._held_out(form, fold) for form in forms])

    def _forms(self, given: FitInput) -> list[FitInput]:
        """Return the data on the scales to try."""
        scale, forms = self.scale_features, [given]
        if scale is True or (scale == "auto" and self._tuned()):
            spread = given.spreads()
            if scale is True:
                forms = [given.scaled(spread)]
            elif uneven(spread):
                forms.append(given.scaled(spread))
        return forms

    def _tunes_on_folds(self) -> bool:
        given = isinstance(self.cv, numbers.Integral)
        return self._tuned() and (given or not self._leaves_one_out())

    def _chosen_without(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None,
        sample_weight: ArrayLike | None,
        folds: Sequence[tuple[np.ndarray, np.ndarray]],
        offset: ArrayLike | None = None,
        near: None = None,
    ) -> ChosenWithout:
        check_settings(self, self._losses)
        given = self._read_fit(
            X, y, tasks, sample_weight, offset, incomplete=self._takes_absent
        )
        fold = fold_of_observations(given, given.data, folds)
        forms = [self._held_out(form, fold) for form in self._forms(given)]
        eta, at_bound = np.full(given.data.y.size, np.nan), []
        for k in range(int(fold.max()) + 1):
            form, common = self._way([each.without(k) for each in forms])
            best = form.best(form.losses, common)
            at_bound.append(form.at_bound(best))
            parts = self._parts(form.given, fold).of_folds([k])
            path = held_out_path(
                parts,
                [Ridge(form.relative[best] * form.curvature)],
                given.tasks,
                exact=True,
                **self._options(),
            )
            predicted: Any = path.eta
            eta[fold == k] = predicted[0, fold == k]
        return ChosenWithout(given.rows, given.data.y, eta, np.array(at_bound))

    def _leaves_one_out(self) -> bool:
        """Whether each row is predicted by a fit without it, which costs one fit."""
        exact = self._loss().quadratic and self._join() is Join.SUM
        if isinstance(self.cv, str) and self.cv == "loo" and not exact:
            raise ValueError(
                f"{type(self).__name__}: cv='loo' is for the squared loss; pass a "
                "number of folds"
            )
        if isinstance(self.cv, str) and self.cv == "auto":
            # whether a choice for each task is noise, rows that share a fit do not say
            return exact and self.per_task != "auto"
        return isinstance(self.cv, str) and self.cv == "loo"

    def _n_folds(self) -> Any:
        """Return the folds in which ways to tune are compared."""
        automatic = isinstance(self.cv, str) and self.cv in ("auto", "loo")
        return _FOLDS if automatic else self.cv

    def _way(self, forms: list[_Tuned]) -> tuple[_Tuned, bool]:
        """Return on which scale to tune, and whether to the same strength for all.

        What is best on average over the tasks, by folds that have no say in the
        strengths. A task counts as much as one of twice or half the loss at most.
        """
        choice = self.per_task
        commons = (False, True) if choice == "auto" else (not choice,)
        ways = [(form, common) for form in forms for common in commons]
        chosen, honest = 0, []
        if len(ways) > 1:
            honest = [form.honest_loss(common) for form, common in ways]
        for k in range(1, len(honest)):
            ratio = honest[k] / np.maximum(honest[chosen], 1e-300)
            gain = np.log(np.clip(ratio, 1 / _MOST, _MOST))
            if not np.isnan(gain).all() and np.nanmean(gain) < 0:
                chosen = k
        return ways[chosen]

    def _tune(self, forms: list[_Tuned]) -> FitInput:
        """Set the strengths, and return the data on the scale that they are for."""
        form, common = self._way(forms)
        best = form.best(form.losses, common)
        self.alpha_ = form.relative[best] * form.curvature
        self.feature_scale_ = form.given.scales
        self.at_bound_ = form.at_bound(best)
        self._warn_of_search(form)
        return form.given

    def _warn_of_search(self, form: _Tuned) -> None:
        name = type(self).__name__
        if self.at_bound_.any():
            warn(
                f"{name}: the best strength is at an end of those tried for "
                f"{int(self.at_bound_.sum())} of {self.at_bound_.size} tasks "
                f"({some(form.given.tasks[self.at_bound_])}), although the grid was "
                "extended; pass alpha= for these, or put the features on one scale"
            )
        # infinite where a task is not tried
        flat = [is_flat(loss[np.isfinite(loss)]) for loss in form.mean.T]
        if any(flat):
            warn(
                f"{name}: what is held out tells no strength from another for "
                f"{sum(flat)} of {len(flat)} tasks ({some(form.given.tasks[flat])}): "
                "with one row in training they learn nothing beside their intercepts; "
                "pass a cv that holds out fewer rows of each, or alpha= for these"
            )
        if form.unconverged:
            warn(
                f"{name}: {form.unconverged} fits in cross-validation did not "
                "converge, and were judged as they were; raise max_iter or tol",
                ConvergenceWarning,
            )

    def _held_out(self, given: FitInput, fold: np.ndarray) -> _Tuned:
        """Return held-out losses, on a longer grid for tasks that ask for it."""
        data = given.data
        curvature = data.design.column_eigenvalues(
            data.weight, data.fit_intercept, np.ones(data.design.n_features)
        )
        curvature[~data.design.varies(data.weight, data.fit_intercept)] = 1.0
        parts = self._parts(given, fold)
        path = self._path(given, parts, _GRID[:, None] * curvature)
        tuned = _Tuned(given, curvature, _GRID, path.losses, path.unconverged)
        for end in ("low", "high"):
            while (tasks := tuned.falling(end)).size:
                beyond = further_strengths(tuned.relative, end, _GRID)
                if beyond is None:
                    break
                path = self._path(given, parts, beyond[:, None] * curvature, tasks)
                tuned = tuned.extended(end, beyond, path, tasks)
        return tuned

    def _parts(self, given: FitInput, fold: np.ndarray) -> Parts:
        """Return the data in folds."""
        return Parts(
            given.data,
            self._loss(),
            fold,
            join=self._join(),
            n_samples=given.n_samples,
            lend=self._lends,
        )

    def _options(self) -> dict[str, Any]:
        return {"tol": self.tol, "max_iter": self.max_iter, "solver": self.solver}

    def _path(self, given, parts, alphas, tasks=None):
        """Return what some of the tasks are worth at some strengths of each."""
        labels = given.tasks
        if tasks is not None:
            parts, labels, alphas = (
                parts.of_tasks(tasks),
                labels[tasks],
                alphas[:, tasks],
            )
        if given.several:
            classes = given.class_columns(parts.data, labels)
            data, labels, alphas = (
                classes.expand(parts.data),
                classes.labels,
                alphas[:, classes.task],
            )
            fold = classes.spread(data, parts.fold)
            n_samples = parts.n_samples[classes.task]
            parts = replace(parts, data=data, fold=fold, n_samples=n_samples)
        penalties = [Ridge(alpha) for alpha in alphas]
        options = self._options()
        if not self._leaves_one_out():
            return held_out_path(parts, penalties, labels, **options)
        data, loss = parts.data, parts.loss
        path = left_out_path(
            data,
            loss,
            self._make_fit(data),
            penalties,
            labels,
            units(data, loss),
            join=parts.join,
            n_samples=parts.n_samples,
            strengths=alphas.mean(axis=1),
            **options,
        )
        return replace(path, losses=_by_fold(data, loss, path.eta, parts.fold))


def _by_fold(data, loss, eta, fold):
    """Return the losses of rows, each left out by itself, (n_strengths, n_folds, T)."""
    n_folds = int(fold.max()) + 1
    out = np.full((len(eta), n_folds, data.design.n_tasks), np.nan)
    for values, row in zip(eta, out, strict=True):
        known = ~np.isnan(values)
        losses = np.where(known, loss.value(data.y, np.where(known, values, 0.0)), 0.0)
        for k in range(n_folds):
            weight = data.weight * (known & (fold == k))
            total = data.task_sum(weight)
            sums = data.task_sum(weight * losses)
            np.divide(sums, total, out=row[k], where=total > 0)
    return out


@estimator
class IndependentRegressor(_Independent, Regressor):
    """Ridge regression for each task on its own.

    The baseline that sharing has to beat. Minimises over W (n_features, n_tasks) and
    b::

        {squared}
            + sum_t alpha_t / 2 * ||w_t||^2

    Parameters
    ----------
    alpha : float, array-like of shape (n_tasks,), dict or "cv", default=0.01
        Strength, >= 0: one for all tasks, one per task (in the order of ``tasks_`` or
        by label), or chosen by cross-validation.
    cv : "auto", "loo", int, splitter or iterable of (train, test), default="auto"
        What ``alpha="cv"`` holds out: each row by itself, exactly and from one fit, as
        scikit-learn's ``RidgeCV`` does ("loo", for the squared loss); or folds. "auto":
        the first where it can be had and `per_task` is not "auto", otherwise five
        folds.
    per_task : bool or "auto", default=True
        Whether ``alpha="cv"`` chooses a strength for each task, by the held-out loss of
        its own, or the same relative strength for all: with few rows a choice for each
        task is noisy. "auto": whichever has the lower loss.
    scale_features : bool or "auto", default="auto"
        Whether strengths are relative to the features' own scale: features are divided
        by their spread within the tasks, while coefficients are those of X as passed.
        "auto": with ``alpha="cv"``, where that has the lower loss (it is tried where
        spreads differ by more than a factor of 10).
    {parameters}

    Attributes
    ----------
    alpha_ : ndarray of shape (n_tasks,)
        The strength used for each task.
    at_bound_ : ndarray of bool of shape (n_tasks,)
        Whether the best strength is at an end of those tried, and a better one is
        likely to lie beyond; only with ``alpha="cv"``.
    feature_scale_ : ndarray of shape (n_features,)
        What the features were divided by; ones, where they were not scaled.
    {attributes}

    See Also
    --------
    PooledRegressor : The other extreme: one model for all tasks.

    Notes
    -----
    With ``alpha="cv"`` strengths are 1e2 to 1e-4 times the largest curvature of the
    task's loss, and further where the best is at an end. What "auto" leaves open is
    decided by the median task, on folds that have no say in the strengths.
    Models that are tuned are those of each task alone for ``task_weight="minimax"``
    too, where the largest relative loss is least.

    Examples
    --------
    >>> from linmtl import IndependentRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(random_state=0)
    >>> model = IndependentRegressor(alpha="cv").fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    alpha: float | ArrayLike | Mapping[Any, float] | str = 0.01
    _: KW_ONLY
    cv: Any = "auto"
    per_task: bool | Literal["auto"] = True
    scale_features: bool | Literal["auto"] = "auto"


@estimator
class IndependentClassifier(_Independent, Classifier):
    """L2-penalised logistic regression for each task on its own.

    The baseline that sharing has to beat. y_i is +1 for the second class and -1 for
    the first. Minimises over W (n_features, n_tasks) and b::

        {logistic}
            + sum_t alpha_t / 2 * ||w_t||^2

    Parameters
    ----------
    alpha : float, array-like of shape (n_tasks,), dict or "cv", default=0.01
        Strength, >= 0: one for all tasks, one per task (in the order of ``tasks_`` or
        by label), or chosen by cross-validation.
    cv : int, default=5
        Number of folds for ``alpha="cv"``.
    per_task : bool or "auto", default=True
        Whether ``alpha="cv"`` chooses a strength for each task, by the held-out loss of
        its own, or the same relative strength for all: with few rows a choice for each
        task is noisy. "auto": whichever has the lower loss.
    scale_features : bool or "auto", default="auto"
        Whether strengths are relative to the features' own scale: features are divided
        by their spread within the tasks, while coefficients are those of X as passed.
        "auto": with ``alpha="cv"``, where that has the lower loss (it is tried where
        spreads differ by more than a factor of 10).
    {parameters}

    Attributes
    ----------
    alpha_ : ndarray of shape (n_tasks,)
        The strength used for each task.
    at_bound_ : ndarray of bool of shape (n_tasks,)
        Whether the best strength is at an end of those tried, and a better one is
        likely to lie beyond; only with ``alpha="cv"``.
    feature_scale_ : ndarray of shape (n_features,)
        What the features were divided by; ones, where they were not scaled.
    {classes}
    {attributes}

    See Also
    --------
    PooledClassifier : The other extreme: one model for all tasks.

    Notes
    -----
    With ``alpha="cv"`` strengths are 1e2 to 1e-4 times the largest curvature of the
    task's loss, and further where the best is at an end. What "auto" leaves open is
    decided by the median task, on folds that have no say in the strengths.
    Models that are tuned are those of each task alone for ``task_weight="minimax"``
    too, where the largest relative loss is least.

    Examples
    --------
    >>> from linmtl import IndependentClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(random_state=0)
    >>> model = IndependentClassifier(alpha="cv").fit(X, y, tasks)
    >>> model.coef_.shape
    (10, 20)
    """

    alpha: float | ArrayLike | Mapping[Any, float] | str = 0.01
    _: KW_ONLY
    cv: int = 5
    per_task: bool | Literal["auto"] = True
    scale_features: bool | Literal["auto"] = "auto"

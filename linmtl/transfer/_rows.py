"""Data of any layout as labelled rows, to fit and judge estimators on parts of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import check_random_state

from linmtl.auto._combined import require_folds_of_any_rows, require_linear
from linmtl.data._canonical import MultiTaskData, far_intercept
from linmtl.data._checks import is_whole
from linmtl.data._classes import on_classes
from linmtl.data._fit_input import FitInput
from linmtl.data._frames import features_named
from linmtl.data._labels import as_task_labels, codes_of
from linmtl.data._targets import missing_mask
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._by_loss import loss_of
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.estimators._problem import check_order
from linmtl.estimators._task_model import OF_TASKS, TaskModel, speaking_as
from linmtl.losses import MultinomialOfRows
from linmtl.model_selection import TaskShuffleSplit
from linmtl.model_selection._folds import positions
from linmtl.model_selection._grid import OF_SEARCHES
from linmtl.penalties import L21, Ridge
from linmtl.transfer._folds import deal_rows, deal_units
from linmtl.transfer._subset import for_tasks, inner_fit, with_mask

_PREDICTION_ROUNDING = 1e-12  # of a prediction, relative to the targets
_NO_COEFFICIENT = 1e15  # strength that leaves none
_FEWEST_FOLDS = 3  # of which the others choose strengths for each,
_MANY_ROWS = 5000  # where there are so many rows, or groups of them
IN_PARTS = "tasks are fitted alone and in pairs here"
_LEFT_OUT = (
    "tasks with a single class, and those without a row in a training part, are left "
    "out"
)


def levels_alone() -> L21:
    """Return the penalty that leaves nothing but intercepts or thresholds."""
    return L21(_NO_COEFFICIENT)


def plain_reader(
    estimator: TaskModel, reads: type[MultiTaskModel] | None = None
) -> MultiTaskModel:
    """Return a plain estimator that reads the same data, under the same name.

    ``reads`` is its class, by default that for one loss of linear predictors.
    """
    kind: Any = reads
    if reads is None:
        require_linear(estimator)
        kind = MultiTaskClassifier if estimator._classify else MultiTaskRegressor
    names = kind().get_params(deep=False).keys() & estimator.get_params(deep=False)
    names -= {"penalty", "refit", "solver", "class_weight"}
    given = {name: getattr(estimator, name) for name in names}
    if reads is None:
        # of "sqrt" the squared error, by which it is judged
        given |= loss_of(estimator)
    given["feature_mask"] = getattr(estimator, "feature_mask", None)
    return speaking_as(type(estimator).__name__, kind(Ridge(1.0), **given))


def require_order(estimator: TaskModel, given: FitInput) -> None:
    """Demand an order of the tasks where the estimator or one inside depends on it.

    Inner fits pass an order of their own, so that they would not ask for one.
    """
    inside = estimator.get_params(deep=False).values()
    for model in [estimator, *inside]:
        if not isinstance(model, MultiTaskModel):
            continue
        kind = type(model)
        plain = kind._problem is MultiTaskModel._problem  # others: ridge penalties
        if plain and kind._make_penalty is not MultiTaskModel._make_penalty:
            check_order(estimator, model._make_penalty(), given)


def read_rows(
    reader: MultiTaskModel,
    estimator: TaskModel,
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None,
    sample_weight: ArrayLike | None,
    offset: ArrayLike | None,
) -> FitInput:
    """Return what an estimator would be fitted to, as its `plain_reader` reads it."""
    estimator._check_offset(offset)
    incomplete = estimator._takes_absent
    given = reader._read_problem(
        X, y, tasks, sample_weight, offset, incomplete=incomplete
    ).given
    require_order(estimator, given)
    return given


def present_among(present: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return which features some of the tasks have, (n_features, n_chosen).

    One of none of them counts as one of all: it is zero in their rows, so that no model
    has a use for it.
    """
    present = present[:, chosen]
    return present | ~present.any(axis=1, keepdims=True)


def with_missing(X: Any, present: np.ndarray, code: np.ndarray) -> Any:
    """Return X with NaN for features that the tasks of its rows do not have.

    They are zero in a sparse X, where masks say what is absent.

    Parameters
    ----------
    X : ndarray or sparse array of shape (n_rows, n_features)
        Samples.
    present : ndarray of bool of shape (n_features, n_tasks)
        Which features each task has.
    code : ndarray of int of shape (n_rows,)
        The task of each row.
    """
    if sparse.issparse(X):
        return X
    return np.where(present.T[code], X, X.dtype.type(np.nan))


class Rows:
    """Observed rows of all tasks, in the long layout.

    Attributes
    ----------
    X : ndarray or sparse array of shape (n_rows, n_features)
        Samples, task after task; zero in features that a task does not have.
    y, weight : ndarray of shape (n_rows,)
        Targets as passed, and sample weights.
    offset : ndarray of shape (n_rows,) or None
        What is known of their linear predictors.
    present : ndarray of bool of shape (n_features, n_tasks) or None
        Which features each task has; None where all have all.
    code : ndarray of int of shape (n_rows,)
        The task of each row, a position in `tasks`.
    used : ndarray of int of shape (n_rows,)
        The observation of each row, a position in the canonical data.
    source : ndarray of int of shape (n_rows,)
        The row of X as passed.
    tasks : ndarray of shape (n_tasks,)
        Task labels. A task without a best intercept (of a single class, or of zero
        counts only) has no rows.
    n_samples : ndarray of shape (n_tasks,)
        Rows of each task.
    n_observed : ndarray of shape (n_tasks,)
        Rows of each task, those of tasks without a best intercept included.
    loss : Loss
        What tasks are judged by.
    names : ndarray of shape (n_features,) or None
        Of the features, where they have names.
    settings : dict
        The parameters of the plain estimator that read the data.
    """

    reads: ClassVar[type[MultiTaskModel] | None] = None  # what reads the data
    inside: ClassVar[dict[str, Any]] = {}  # settings of the models that are fitted

    def __init__(
        self,
        estimator: TaskModel,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None,
        sample_weight: ArrayLike | None,
        offset: ArrayLike | None = None,
    ):
        reader = plain_reader(estimator, self.reads)
        self.settings = reader.get_params(deep=False)
        given = read_rows(reader, estimator, X, y, tasks, sample_weight, offset)
        data, self.tasks = given.data, given.tasks
        self.names = given.feature_names
        self.classes: Any = given.classes  # None for targets
        self._several = given.several
        loss = reader._loss()
        self.loss = MultinomialOfRows() if self._several else loss
        self.present = given.present
        self.n_passed, self._wide = given.n_rows, given.layout == "wide"
        alone = self.without_optimum(given)
        used = np.flatnonzero((data.weight > 0) & ~alone[given.code])
        self.used = used
        self.X, self.y, self.code = given.long(used)
        self.offset = None if given.offset is None else given.offset[used]
        self.n_samples = np.bincount(self.code, minlength=len(self.tasks))
        labelled = np.diff(data.task_ptr)
        if self._wide:
            labelled = np.sum(~missing_mask(np.asarray(y)), axis=0)
        self.n_observed = np.where(alone, labelled, self.n_samples)
        # so that task_weight="n_samples" means what it says
        self.weight = given.sample_weight[used]
        self.source = given.rows[used % len(given.rows)]
        self.rounding = rounding_of_loss(data)

    @staticmethod
    def without_optimum(given: FitInput) -> np.ndarray:
        """Return the mask of the tasks without a best intercept, (n_tasks,)."""
        return given.single_class

    def splits(self, cv: Any, random_state: int | None) -> list[tuple[np.ndarray, ...]]:
        """Return masks of training and test rows.

        An integer stands for that many random splits within the tasks, a fifth of each
        held out; anything else splits the rows as passed.
        """
        if is_whole(cv):
            splitter = TaskShuffleSplit(
                int(cv), test_size=0.2, random_state=random_state
            )
            parts: Any = splitter.split(self.X, self.y, self.code)
            return [self._masks(train, test) for train, test in parts]
        if isinstance(cv, (str, float, bool)) or cv is None:
            raise ValueError(
                "cv must be a number of splits, a splitter or an iterable of (train, "
                f"test), got {cv!r}"
            )
        if hasattr(cv, "split"):
            y, groups = np.zeros(self.n_passed).astype(self.y.dtype), None
            if not self._wide:  # otherwise a row is of all tasks
                groups = np.zeros(self.n_passed, dtype=int)
                y[self.source], groups[self.source] = self.y, self.code
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "The groups parameter is ignored")
                cv = list(cv.split(np.zeros((self.n_passed, 1)), y, groups))
        return [
            tuple(np.isin(self.source, positions(part)) for part in pair) for pair in cv
        ]

    def units(self, groups: ArrayLike | None) -> np.ndarray | None:
        """Return the group of each row, numbered, of labels of the rows as passed."""
        if groups is None:
            return None
        labels = as_task_labels(groups, self.n_passed, name="groups")
        return np.unique(labels[self.source], return_inverse=True)[1].reshape(-1)

    def folds(
        self, n_folds: int, random_state: Any, units: np.ndarray | None = None
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return masks of the training and the test rows of a partition.

        The rows of a task spread over the folds, and so do those of each of its
        classes. A row that is the only one of its task or class is never tested.

        Parameters
        ----------
        n_folds : int
            Their number; none is without test rows, so that there may be fewer.
        random_state : int, RandomState instance or None
            For the shuffling.
        units : ndarray of int of shape (n_rows,), default=None
            Rows with the same number go to the same fold.
        """
        stratum = self._strata()
        random = check_random_state(random_state)
        if units is None:
            fold = deal_rows(self.code, stratum, n_folds, random)
        else:
            fold = deal_units(self.code, stratum, units, n_folds, random)
        return [(fold != k, fold == k) for k in np.unique(fold[fold >= 0])]

    def _strata(self):
        """Return a number for each row: its task and class."""
        if self.classes is None:
            return self.code
        return len(self.classes) * self.code + self._positions(slice(None))

    def _masks(self, *parts):
        masks = np.zeros((len(parts), self.code.size), dtype=bool)
        for mask, part in zip(masks, parts, strict=True):
            mask[part] = True
        return tuple(masks)

    def held_out_loss(
        self,
        model: Any,
        train: np.ndarray,
        test: np.ndarray,
        chosen: Sequence[int] | None = None,
    ) -> np.ndarray:
        """Fit a model, and return its mean loss on each task, on the scale of reports.

        Parameters
        ----------
        model : estimator
            It is fitted as passed, its settings by task those of the tasks used.
        train, test : ndarray of bool of shape (n_rows,)
            The rows to fit and to judge on.
        chosen : sequence of int, default=None
            The tasks to use; all by default.

        Returns
        -------
        ndarray of shape (n_tasks,) or (n_chosen,)
            NaN for a task with no row in one of the parts.
        """
        tasks = np.arange(len(self.tasks)) if chosen is None else np.asarray(chosen)
        return self.task_means(self.row_losses(model, train, test, chosen)[0])[tasks]

    def row_losses(
        self,
        model: Any,
        train: np.ndarray,
        test: np.ndarray,
        chosen: Sequence[int] | None = None,
    ) -> tuple[np.ndarray, Any]:
        """Return the loss on each row, and the fitted model.

        Returns
        -------
        losses : ndarray of shape (n_rows,)
            NaN for rows that are not tested, or whose task is not in training.
        fitted : estimator or None
            None where there was nothing to fit.
        """
        fitted, out = None, np.full(self.code.size, np.nan)
        mine = np.ones(self.code.size, dtype=bool)
        if chosen is not None:
            mine = np.isin(self.code, chosen)
        learned = train & mine
        rows = np.flatnonzero(test & mine & (self.count(learned) > 0)[self.code])
        if rows.size == 0:
            return out, fitted
        if self._has_no_optimum(model, learned):
            out[rows] = self._losses_far_away(learned, rows)
        else:
            why = _LEFT_OUT if chosen is None else IN_PARTS
            fitted = self.fit(model, learned, why)
            out[rows] = self.losses(fitted, rows)
        return self._without_rounding(out), fitted

    def losses_in_folds(
        self,
        model: Any,
        folds: Sequence[tuple[np.ndarray, ...]],
        units: np.ndarray | None,
        near: Any = None,
    ) -> tuple[np.ndarray, np.ndarray, Any]:
        """Return the loss on each row of what is chosen by the other folds.

        Parameters
        ----------
        model : estimator
            `AutoRegressor`, `AutoClassifier` or one of those that
            :meth:`are_tuned_on` names. Its own folds are these.
        folds : list of (train, test)
            Masks of a partition.
        units : ndarray of int of shape (n_rows,) or None
            Rows that no fold within parts either.
        near : object, default=None
            What to try, from other folds; all by default.

        Returns
        -------
        losses : ndarray of shape (n_rows,)
            NaN for rows that are not tested.
        at_bound : ndarray of bool of shape (n_folds, n_tasks)
            Tasks whose strength is at the end of those tried.
        near : object
            What to try on other folds.
        """
        cv = [tuple(map(np.flatnonzero, fold)) for fold in folds]
        chosen = np.unique(self.code)
        out = np.full(self.code.size, np.nan)
        at_bound = np.zeros((len(folds), len(self.tasks)), dtype=bool)
        auto = hasattr(model, "held_out_losses")
        if auto:
            model.set_params(cv=cv)
        with self._inside(model, chosen, _LEFT_OUT) as inner:
            passed = self._passed(slice(None), chosen)
            if auto:
                row, loss = inner.held_out_losses(**passed, groups=units)
                out[row] = loss
            else:
                found = inner._chosen_without(**passed, folds=cv, near=near)
                loss = self.loss.score.factor * self.loss.value(found.y, found.eta)
                out[found.row] = loss
                at_bound[:, chosen], near = found.at_bound, found.near
        for train, test in folds:  # there is no model of a task without rows
            out[test & (self.count(train) == 0)[self.code]] = np.nan
        return self._without_rounding(out), at_bound, near

    def are_tuned_on(
        self,
        folds: Sequence[tuple[np.ndarray, ...]],
        model: Any,
        units: np.ndarray | None,
    ) -> bool:
        """Whether strengths of a model are chosen by the other folds of these.

        Their models have seen the fold: it is predicted worse than by strengths that
        know nothing of it, by a share of the loss that is nothing to many rows.
        """
        by_folds = getattr(model, "_tunes_on_folds", None)
        count = self.code.size if units is None else int(units.max(initial=-1)) + 1
        if by_folds is None or self._several or count < _MANY_ROWS:
            return False
        few = len(folds) < _FEWEST_FOLDS
        return by_folds() and not (
            few or any(self._has_no_optimum(model, train) for train, _ in folds)
        )

    def _without_rounding(self, losses):
        """Return losses of zero in tasks that are predicted as well as can be."""
        exact = self.task_means(losses) <= self.rounding
        return np.where(exact[self.code] & ~np.isnan(losses), 0.0, losses)

    def task_means(self, losses: np.ndarray) -> np.ndarray:
        """Return the mean over each task's rows, (n_tasks,), NaN for none.

        ``losses`` are of shape (n_rows,), NaN for rows that do not count.
        """
        weight = np.where(np.isnan(losses), 0.0, self.weight)
        total = np.bincount(self.code, weight, minlength=len(self.tasks))
        loss = weight * np.nan_to_num(losses)
        loss = np.bincount(self.code, loss, minlength=len(self.tasks))
        return np.divide(loss, total, out=np.full(total.size, np.nan), where=total > 0)

    def at_bound(self, model: Any) -> np.ndarray:
        """Return the mask of the tasks for which a model's strength is at a bound."""
        mask = np.zeros(len(self.tasks), dtype=bool)
        if getattr(model, "at_bound_", None) is not None:
            mask[codes_of(model.tasks_, self.tasks)] = model.at_bound_
        return mask

    def count(self, rows: np.ndarray) -> np.ndarray:
        """Return the number of rows of each task in a mask, (n_tasks,)."""
        return np.bincount(self.code[rows], minlength=len(self.tasks))

    def fit(self, model: Any, rows: np.ndarray, why: str = "tasks are left out") -> Any:
        """Fit a model on some rows (a mask or positions) in the long layout.

        `why` says for an error what the fit is for, if it is not of all tasks.
        """
        require_folds_of_any_rows(model)
        chosen = np.unique(self.code[rows])
        with self._inside(model, chosen, why) as inner:
            return inner.fit(**self._passed(rows, chosen))

    @contextmanager
    def _inside(self, model, chosen, why):
        """Give a copy of a model for some tasks, whose fits do not warn of the data."""
        model = for_tasks(model, self.tasks, chosen)
        parameters = model.get_params(deep=False)
        settings = {"task_column": None, "task_order": self.tasks[chosen]}
        settings |= self.inside
        model.set_params(**{k: v for k, v in settings.items() if k in parameters})
        masked = getattr(model, "feature_mask", None) is not None
        if self.present is not None and masked:
            model = with_mask(model, present_among(self.present, chosen))
        names, quiet = features_named(self.names), warnings.catch_warnings()
        with inner_fit(model, self.tasks, chosen, why), names, quiet:
            warnings.filterwarnings("ignore", f"{OF_TASKS}|{OF_SEARCHES}")
            yield model

    def _passed(self, rows, chosen):
        """Return the arguments of `fit` for some rows, those of the tasks chosen."""
        code = self.code[rows]
        X = self.X[rows]
        if self.present is not None:
            present = present_among(self.present, chosen)
            X = with_missing(X, present, np.searchsorted(chosen, code))
        passed = {
            "X": X,
            "y": self.y[rows],
            "tasks": self.tasks[code],
            "sample_weight": self.weight[rows],
        }
        return passed if self.offset is None else passed | {"offset": self.offset[rows]}

    def _sides(self, rows):
        """Return the side on which each task has no best intercept, 0 if it has one."""
        size = np.bincount(self.code[rows], minlength=len(self.tasks))
        task_ptr = np.concatenate([[0], np.cumsum(size)])
        return self.loss.sides(self._targets(rows), self.weight[rows], task_ptr)

    def _has_no_optimum(self, model, rows):
        """Whether no task has a best intercept in these rows, where there is one."""
        if self._several:
            return bool(self._shown(rows).sum(axis=1).max() < 2)
        if not getattr(model, "fit_intercept", True):
            return False
        return bool(np.all(self._sides(rows)[self.code[rows]] != 0))

    def _losses_far_away(self, learned, rows):
        """Return the loss on each row of the intercepts that `fit` would give."""
        code, weight = self.code[learned], self.weight[learned]
        size = np.bincount(code, weights=weight, minlength=len(self.tasks))
        if self._several:
            shown = self._shown(learned)[self.code[rows]]
            return self._reported(rows, np.where(shown, 0.0, -np.inf))
        far = far_intercept(self._sides(learned), size)
        if self.offset is not None:  # it is far at the mean of the task's rows
            total = np.bincount(code, weight * self.offset[learned], len(self.tasks))
            far -= np.divide(total, size, out=np.zeros(size.size), where=size > 0)
        return self._reported(rows, self._shifted(far[self.code[rows]], rows))

    def _targets(self, rows):
        """Return targets as the loss takes them."""
        if self.classes is None:
            return self.y[rows]
        code = self._positions(rows)
        return code if self._several else np.where(code == 1, 1.0, -1.0)

    def _shown(self, rows):
        """Return which classes each task has in some rows, (n_tasks, n_classes)."""
        out = np.zeros((len(self.tasks), len(self.classes)), dtype=bool)
        out[self.code[rows], self._positions(rows)] = True
        return out

    def _positions(self, rows):
        """Return the classes of some rows as positions."""
        return np.searchsorted(self.classes, self.y[rows])

    def losses(self, model: Any, rows: np.ndarray) -> np.ndarray:
        """Return the loss of a fitted model on each row, on the scale of reports."""
        X, labels = self.X[rows], self.tasks[self.code[rows]]
        eta = model._linear_predictor(X, labels, every_task=False)
        if self._several:
            eta = on_classes(eta, model._all_classes, self.classes)
        return self._reported(rows, self._shifted(eta, rows))

    def _shifted(self, eta, rows):
        """Return linear predictors of some rows with what is known of them."""
        return eta if self.offset is None else eta + self.offset[rows]

    def _reported(self, rows, eta):
        """Return the loss of each row at a predictor, on the scale of reports."""
        return self.loss.score.factor * self.loss.value(self._targets(rows), eta)


def rounding_of_loss(data: MultiTaskData) -> np.ndarray:
    """Return for each task a squared error that is nothing but rounding."""
    total = np.where(data.total > 0, data.total, 1.0)
    return _PREDICTION_ROUNDING**2 * data.task_sum(data.weight * data.y**2) / total

"""The engine behind every estimator: fit, predict, score."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from linmtl.data import MultiTaskData
from linmtl.data._absent import fill_as_in_fit, mean_model
from linmtl.data._checks import check_choice
from linmtl.data._classes import ClassColumns
from linmtl.data._kinds import sort_in_time
from linmtl.data._labels import codes_of, some
from linmtl.data._read import (
    FitInput,
    read_fit,
    read_X,
    require_tasks,
    task_codes,
)
from linmtl.data._targets import two_valued
from linmtl.data._task_table import described
from linmtl.datafits._base import Datafit
from linmtl.datafits._make import Join, make_datafit
from linmtl.datafits._null import null_losses
from linmtl.designs._shared import SharedDesign
from linmtl.designs._stacked import predict_each
from linmtl.estimators._docs import parameters
from linmtl.estimators._new_task import NewTask
from linmtl.estimators._predictions import PredictsClasses, PredictsTargets, TaskClasses
from linmtl.estimators._settings import check_settings
from linmtl.estimators._statistics import FitsStatistics
from linmtl.losses import LOSSES, Loss
from linmtl.penalties import Penalty, compose
from linmtl.penalties._base import check_is_penalty
from linmtl.penalties._compose import Composite
from linmtl.penalties._parameters import is_positive
from linmtl.solvers import Result, minimise, rounded
from linmtl.solvers._objective import Objective
from linmtl.version import __version__


class Problem(NamedTuple):
    """What the arguments of `fit` pose.

    Attributes
    ----------
    given : FitInput
        The arguments, checked.
    data : MultiTaskData
        The data to solve.
    columns : ndarray of shape (n_columns,)
        Labels of the columns of W.
    objective : Objective
        Loss and penalty.
    classes : ClassColumns or None
        Which columns they are, of more than two classes.
    """

    given: FitInput
    data: MultiTaskData
    columns: np.ndarray
    objective: Objective
    classes: ClassColumns | None = None

    def on_columns(self, penalty: Penalty) -> Penalty:
        """Return a penalty on the tasks as one on the columns of W."""
        d, present = self.data.design.n_features, self.given.present
        return on_columns(penalty, d, self.classes, present)

    def compose(self, penalty: Penalty) -> Composite:
        """Return a penalty on the tasks in the form in which solvers see it."""
        d = self.data.design.n_features
        return compose(self.on_columns(penalty), d, self.columns)


def on_columns(
    penalty: Penalty,
    d: int,
    classes: ClassColumns | None,
    present: np.ndarray | None = None,
) -> Penalty:
    """Return a penalty on the tasks as one on the columns of W, of d features.

    ``present`` says which of them each task has.
    """
    if present is not None:
        check_is_penalty(penalty)
        penalty = penalty.on_present(present.mean(axis=1))
    if classes is None:
        return penalty
    check_is_penalty(penalty)
    penalty.check(d, classes.tasks)
    return penalty.of_classes(classes)


# warnings about the data, which are said once where models are fitted inside others
OF_TASKS = (
    "these tasks have .*; they are left out|the targets of these tasks have two values"
)


@dataclass(kw_only=True, eq=False, repr=False)
class TaskModel(NewTask, BaseEstimator):
    """Base of the models that predict with coefficients of each task."""

    task_column: str | int | None = None
    task_order: ArrayLike | None = None
    handle_unknown: Literal["error", "mean"] = "error"

    _classify: ClassVar[bool] = False

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    def __getstate__(self):
        state: Any = super().__getstate__()
        return {**state, "_linmtl_version": __version__}

    def __setstate__(self, state):
        saved = state.pop("_linmtl_version", "unknown")
        if saved != __version__:
            warnings.warn(
                f"{type(self).__name__} was saved by linmtl {saved}; this is linmtl "
                f"{__version__}: it may predict otherwise, or fail; fit it again",
                stacklevel=2,
            )
        super().__setstate__(state)

    def _losses_given(self) -> list[Any]:
        """Return the names of the losses that the user chose, to be checked."""
        return [vars(self)["loss"]] if "loss" in vars(self) else []

    def _set_linear(self, given: FitInput, W: np.ndarray, b: np.ndarray) -> None:
        """Set what predictions need: linear models, one row of W for each task.

        Of several classes W is (n_tasks, n_classes, n_features), b without the last.
        """
        self._several = W.ndim == 3
        self._layout = given.layout
        self._n_fitted = len(given.tasks)  # those that fit_new_task adds come after
        self._has_offset = given.offset is not None
        self.tasks_ = given.tasks
        W = given.masked(given.unscaled(W))
        self.coef_ = np.ascontiguousarray(W, dtype=given.data.design.dtype)
        self.intercept_ = b
        if given.classes is not None:
            self.classes_ = given.classes
            if given.layout == "wide":
                self.classes_ = TaskClasses([given.classes] * len(given.tasks))
        if given.layout == "single" and (given.classes is None or self._several):
            self.coef_, self.intercept_ = self.coef_[0], b[0][()]
        # what an earlier fit may have left
        for name in ("new_tasks_", "coef_feature_names_", "feature_mask_"):
            self.__dict__.pop(name, None)
        if given.present is not None:
            self.feature_mask_ = np.ascontiguousarray(given.present.T)
        if given.feature_names is not None:
            self.coef_feature_names_ = given.feature_names

    def _warn_of_classes(self, given, stacklevel=5):
        """Say which targets look like classes though the loss takes numbers."""
        data, loss = given.data, self._loss()
        if not loss.location:
            return
        two = two_valued(data.y, data.weight > 0, data.task_ptr)
        if two.any():
            warnings.warn(
                "the targets of these tasks have two values only, as classes have, "
                f"where others have more: {some(given.tasks[two])}; the {loss.name} "
                "loss fits them as numbers: if they are classes, fit them apart with "
                "a classifier",
                UserWarning,
                stacklevel=stacklevel,
            )

    def _linear_predictor(self, X: Any, tasks: Any, every_task: bool) -> np.ndarray:
        check_is_fitted(self)
        mask = None if every_task else getattr(self, "feature_mask_", None)
        X, labels, _ = read_X(self, X, tasks, False, allow_nan=mask is not None)
        model = self if every_task else self._knowing(labels)
        codes = task_codes(model, labels, every_task)
        if not every_task:
            require_tasks(model, codes)
        if mask is not None and codes is not None and not sparse.issparse(X):
            X = fill_as_in_fit(X, codes, mask, model.tasks_)
        coef = np.asarray(model.coef_).astype(float, copy=False)
        b = np.asarray(model.intercept_)
        if not self._several:
            W, b = np.atleast_2d(coef), np.atleast_1d(b)
            return self._predictor(X, codes, W, b, every_task, self._consensus)
        if self._layout == "single":
            coef, b = coef[None], b[None]
        etas = []
        for W, level in zip(coef.swapaxes(0, 1), b.T, strict=True):
            known = ~np.isnan(level)
            known |= not known.any()  # its rows have no weight: NaN of all
            of_known = None if mask is None else mask[known]
            mean = mean_model(W[known], of_known), float(level[known].mean())
            models = W, level, every_task, partial(tuple, mean)
            etas.append(self._predictor(X, codes, *models))
        eta = np.stack(etas, axis=-1)
        eta[np.isnan(eta)] = -np.inf  # classes that a task has never shown
        return eta

    def _predictor(self, X, codes, W, b, every_task, consensus):
        """Return linear predictors of models W, (n_tasks, n_features), and b.

        ``consensus`` returns the model of tasks that were not seen in fit.
        """
        if every_task or codes is None:
            flat = np.empty(X.shape[0] * len(b))
            SharedDesign(X, len(b)).predict(W.T, flat)
            eta = flat.reshape(len(b), -1).T + b
            wide = every_task or self._layout == "wide"
            return eta if wide else eta[:, 0]
        if codes.min(initial=0) < 0:  # for them one row more
            w, level = consensus()
            W, b = np.vstack([W, w]), np.append(b, level)
            codes = np.where(codes < 0, len(b) - 1, codes)
        return predict_each(X, codes, W) + b[codes]

    def _knowing(self, labels: np.ndarray | None) -> Self:
        """Return the model with those tasks that their numbers make known."""
        if self._table is None or labels is None or self._layout == "single":
            return self
        new = described(
            self._table, np.unique(labels[codes_of(labels, self.tasks_) < 0])
        )
        if not new.size:
            return self
        model = copy(self)
        coef, intercept = self._of_numbers(new)
        model.tasks_ = np.concatenate([self.tasks_, new])
        model.coef_ = np.vstack([self.coef_, coef])
        model.intercept_ = np.append(self.intercept_, intercept)
        return model

    def _consensus(self) -> tuple[np.ndarray, float]:
        """Return coefficients and intercept for tasks that were not seen in fit."""
        n, mask = self._n_fitted, getattr(self, "feature_mask_", None)
        return mean_model(self.coef_[:n], mask), float(self.intercept_[:n].mean())

    def _without_rows(self) -> np.ndarray:
        """Return the labels of tasks that their numbers alone make known."""
        labels = self.tasks_[:0] if self._table is None else self._table[0]
        return labels[codes_of(labels, self.tasks_) < 0]

    def _of_numbers(self, tasks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return coefficients and intercepts of such tasks."""
        raise NotImplementedError


@dataclass(kw_only=True, eq=False, repr=False)
class MultiTaskModel(TaskModel):
    """Base of regressors and classifiers; subclasses give penalty and loss."""

    fit_intercept: bool = True
    task_weight: Mapping[Any, float] | ArrayLike | None = None
    solver: str = "auto"
    max_iter: int = 10_000
    tol: float = 1e-4
    warm_start: bool = False
    verbose: int = 0

    _losses: ClassVar[tuple[str, ...]] = ()
    _takes_absent: ClassVar[bool] = True  # features that some tasks do not have
    # whether a task of a single class, which the loss leaves out, has what others share
    _lends: ClassVar[bool] = True

    @property
    def _takes_classes(self) -> bool:
        """Whether there may be more than two classes."""
        return False

    def _make_penalty(self) -> Penalty:
        raise NotImplementedError

    def _loss_name(self) -> str:
        return getattr(self, "loss", self._losses[0])

    def _loss(self) -> Loss:
        """Return the loss of each observation."""
        name = self._loss_name()
        loss = LOSSES["squared" if name == "sqrt" else name].of(self)
        return loss.with_drawn_intercepts() if self._draws_intercepts() else loss

    def _draws_intercepts(self) -> bool:
        """Return whether the penalty draws intercepts to each other, at any setting."""
        penalty = getattr(self, "penalty", None)
        weight: Any = getattr(self, "intercept_weight", None)
        if weight is not None:
            weights = np.ravel(np.asarray(weight, dtype=object)).tolist()
            if not all(map(is_positive, weights)):  # or refused later
                return False
            penalty = self._make_penalty()
        return getattr(penalty, "draws_intercepts", False)

    def _join(self) -> Join:
        """Return how the losses of the tasks become one."""
        kind, name = type(self).__name__, self._loss_name()
        roots = name == "sqrt"
        if _is(self.task_weight, "minimax"):
            if roots:
                raise ValueError(
                    f"{kind}: task_weight='minimax' is not for loss='sqrt', which "
                    "joins the losses of the tasks in its own way"
                )
            return Join.MAXIMUM
        if _is(self.task_weight, "uncertainty") and not roots:
            if name != "squared":
                raise ValueError(
                    f"{kind}: task_weight='uncertainty' is for regression with "
                    "loss='squared': a noise level is estimated for each task; use "
                    "'null_loss' or 'minimax'"
                )
            roots = True
        return Join.ROOTS if roots else Join.SUM

    def _make_fit(self, data: MultiTaskData) -> Datafit:
        return make_datafit(data, self._loss(), self._join())

    def _problem(self, given: FitInput) -> tuple[MultiTaskData, np.ndarray]:
        """Return the data to solve and the labels of the columns of W."""
        return given.data, given.tasks

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
        """Fit the models of all tasks together.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples; with ``task_column``, one column holds the task labels. A feature
            that is NaN in every row of a task is one that the task does not have.
        y : array-like of shape (n_samples,) or (n_samples, n_tasks)
            Targets, or labels of classes. Two dimensions: one column per task, all
            tasks sharing X (NaN: label not observed). One dimension: one target per
            row, of the task that ``tasks`` or ``task_column`` says (NaN: not
            observed), or of the only task.
        tasks : array-like of shape (n_samples,), default=None
            The task label of each row: all strings or all numbers. Dates (read as
            strings in the ISO format), spans of time (as days), an ordered categorical
            (in its order) and tuples (``("a", 1)`` as "a / 1") will do.
        sample_weight : array-like of shape (n_samples,) or of y's shape, default=None
            Weights >= 0.
        offset : float or array-like of shape (n_samples,) or of y's shape, default=None
            A known part of the linear predictor, added to ``x_i . w_t + b_t``: of
            counts the logarithm of their exposures. It is for ``predict`` too then.
        coef_init : array-like of the shape of ``coef_``, default=None
            Coefficients to start from, tasks in the order of ``tasks_``; by default the
            last solution with ``warm_start``, else none. `coef_` itself is no start.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument or a parameter is not allowed; the message says why.
        """
        problem = self._read_problem(
            X, y, tasks, sample_weight, offset, incomplete=True
        )
        objective = problem.objective
        result = minimise(
            objective,
            tol=self.tol,
            max_iter=self.max_iter,
            solver=self.solver,
            W0=self._start(problem, coef_init),
            verbose=self.verbose,
        )
        self._store(problem, result)
        return self

    def _read_fit(
        self,
        X,
        y,
        tasks,
        sample_weight,
        offset=None,
        several: bool = False,
        incomplete: bool = False,
    ) -> FitInput:
        """Return the arguments of `fit`, checked."""
        loss, join = self._loss(), self._join()
        loss.check()
        return read_fit(
            self,
            X,
            y,
            tasks,
            sample_weight,
            loss,
            lambda data: join.task_loss(null_losses(data, loss)),
            offset,
            several,
            incomplete,
        )

    def _read_problem(
        self,
        X,
        y,
        tasks,
        sample_weight,
        offset=None,
        several: bool = True,
        incomplete: bool = False,
    ) -> Problem:
        """Return what the arguments of `fit` pose.

        Of more than two classes only if ``several`` are allowed, of features that tasks
        do not have if ``incomplete``.
        """
        check_settings(self, self._losses)
        allowed = several and self._takes_classes, incomplete and self._takes_absent
        given = self._rescaled(
            self._read_fit(X, y, tasks, sample_weight, offset, *allowed)
        )
        data, columns = self._problem(given)
        penalty = self._make_penalty()
        check_order(self, penalty, given)
        classes = None
        if given.several:
            classes = given.class_columns(data, columns)
            data, columns = classes.expand(data), classes.labels
        d = data.design.n_features
        composite = compose(on_columns(penalty, d, classes, given.present), d, columns)
        objective = Objective(self._make_fit(data), composite)
        return Problem(given, data, columns, objective, classes)

    def _rescaled(self, given: FitInput) -> FitInput:
        """Return the arguments with features on the scale of the strengths."""
        return given

    def _start(self, problem: Problem, coef_init: Any) -> np.ndarray | None:
        """Return W to start from: what was passed, or the last solution."""
        shape, given = problem.objective.shape, problem.given
        if coef_init is None:
            return self._warm_W(shape, problem.columns)
        coef = read_coefficients(self, coef_init, given)
        W = (given.scales * coef).T
        if problem.classes is not None:
            return problem.objective.point(problem.classes.columns_of(W.T).T)
        if shape == (len(W), 1):  # one model for all tasks
            return W.mean(axis=1, keepdims=True)
        fit = problem.objective.base_fit
        if W.shape != (fit.n_features, fit.n_columns):
            raise ValueError(
                f"{type(self).__name__} takes no coef_init: it does not search for "
                "coefficients"
            )
        return problem.objective.point(W)

    def _warm_W(self, shape, columns):
        """Start from the last solution, by task label; new tasks start at zero."""
        if not self.warm_start or not hasattr(self, "_solution"):
            return None
        known, W_known = self._solution
        if W_known.shape[0] != shape[0]:
            return None
        position = {label: i for i, label in enumerate(known.tolist())}
        W = np.zeros(shape)
        for t, label in enumerate(columns.tolist()):
            if label in position:
                W[:, t] = W_known[:, position[label]]
        return W

    def _store(self, problem: Problem, result: Result) -> None:
        given, _, columns, objective, classes = problem
        n_tasks = len(given.tasks)
        result = rounded(objective, result, given.data.design.dtype)
        W = result.W
        if W.shape[1] != n_tasks and classes is None:  # one model for all tasks
            W = np.repeat(W, n_tasks, axis=1)
        self._report(problem, result)
        if "task_weight_" not in self._reported:
            self.task_weight_ = self._task_weights(given)
        self._solution = (columns, result.point)
        if classes is None:
            W, b = self._lent(given, W, given.intercepts(result.b))
            self._set_linear(given, W.T, b)
        else:
            self._set_linear(given, *classes.by_task(W.T, result.b, n_tasks))
        self.n_iter_ = result.n_iter
        self.objective_ = result.objective
        self.dual_gap_ = result.gap
        self.gap_history_ = np.array(result.history, dtype=float).reshape(-1, 2)
        self.tol_ = result.tol
        self.converged_ = result.converged
        self.solver_ = result.solver
        self._warn_of_tasks(given, columns)
        self._warn_unless_converged(result)

    def _lent(self, given, W, b):
        """Return the models in which tasks of a single class learn from the others."""
        return given.lent(W, b) if self._classify and self._lends else (W, b)

    def _warn_of_tasks(self, given, columns):
        if given.several and given.layout != "single":
            alone = np.sum(~np.isnan(self.intercept_), axis=1) == 1
            if alone.any():
                warnings.warn(
                    f"these tasks have a single class: {some(given.tasks[alone])}; "
                    "they have no loss, and predict what they have seen only",
                    UserWarning,
                    stacklevel=4,
                )
        if np.any(given.side):
            alone = some(given.tasks[given.side != 0])
            warnings.warn(
                f"these tasks have {self._loss().one_sided} and no finite optimum for "
                f"their intercept: {alone}; they are left out of the loss, and about "
                "the mean of their rows predict what they have seen only",
                UserWarning,
                stacklevel=4,
            )
        self._warn_of_classes(given)
        exact = np.isnan(self.task_weight_)
        if np.any(exact):
            warnings.warn(
                f"the tasks {some(columns[exact])} are fitted exactly (by constant "
                "targets, a single row, or a penalty too weak for their rows), so that "
                "nothing is left to estimate their noise from: their noise_ is 0 and "
                "their task_weight_ NaN; drop them or raise alpha",
                UserWarning,
                stacklevel=4,
            )

    def _task_weights(self, given: FitInput) -> np.ndarray:
        """Return the weight of each task's mean loss, where the loss has no say."""
        return given.data.total.copy()

    def _warn_unless_converged(self, result: Result) -> None:
        if not result.converged:
            warnings.warn(
                f"{type(self).__name__}: {result.message}",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _report(self, problem, result):
        """Set what penalty and loss know of; drop the attributes of an earlier fit."""
        given, _, columns, objective, classes = problem
        for name in getattr(self, "_reported", ()):
            delattr(self, name)
        penalty = objective.penalty
        found = penalty.source.fitted_attributes(
            result.W, penalty.parts(result.point), columns
        )
        found.update(objective.fitted_attributes(result.point))
        whole = result.W.any(axis=0)
        for name, part in found.get("coef_components_", {}).items():
            if classes is not None:
                part, _ = classes.by_task(part, result.b, len(given.tasks))
            elif given.classes is not None:  # where all is nothing, the parts are, too
                lent, _ = given.lent(part.T, np.zeros(len(part)))
                part = np.where(whole[:, None], part, lent.T)
            found["coef_components_"][name] = given.masked(given.unscaled(part))
        if "coef_mean_" in found:
            found["coef_mean_"] = given.unscaled(found["coef_mean_"][None])[0]
        if result.stages is not None:
            found["stage_objectives_"] = np.array(result.stages)
        for name, value in found.items():
            setattr(self, name, value)
        self._reported = tuple(found)


class PlainRegressor(PredictsTargets, RegressorMixin, MultiTaskModel):
    """Base of the regressors with a loss of their own."""

    _losses = ("squared",)


@parameters
class Regressor(FitsStatistics, PlainRegressor):
    """Base of the regressors."""

    loss: str = "squared"

    _losses = tuple(name for name, loss in LOSSES.items() if not loss.classify)


@parameters
class PlainClassifier(PredictsClasses, ClassifierMixin, MultiTaskModel):
    """Base of the classifiers with a loss of their own."""

    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None

    _losses = ("logistic",)
    _classify = True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = self._takes_classes
        return tags


@parameters
class Classifier(PlainClassifier):
    """Base of the classifiers."""

    loss: str = "logistic"

    _losses = tuple(name for name, loss in LOSSES.items() if loss.classify)
    _several_classes: ClassVar[bool] = True  # whether the penalty is for them

    @property
    def _takes_classes(self):
        return self._several_classes and self._loss_name() == "logistic"


def loss_of(model: TaskModel) -> dict[str, Any]:
    """Return the parameters that give another estimator of its kind a model's loss."""
    loss = model._loss()
    return {"loss": loss.name, **loss.settings()}


def model_of_loss(
    kinds: Sequence[type[MultiTaskModel]],
    loss: str,
    of_loss: dict[str, Any],
    *args: Any,
    **options: Any,
) -> MultiTaskModel:
    """Return an estimator with the loss of a name, of the first kind that takes it.

    Parameters
    ----------
    kinds : sequence of estimator classes
        What may be returned.
    loss : str
        Name of the loss.
    of_loss : dict
        Parameters of losses; those of others than this one do not matter.
    *args, **options
        Other parameters of the estimator.
    """
    by_name = {name: kind for kind in reversed(kinds) for name in kind._losses}
    check_choice("loss", loss, tuple(by_name))
    known = {p for name in by_name.keys() & LOSSES for p in LOSSES[name].parameters()}
    for name in of_loss.keys() - known:
        raise TypeError(f"unexpected keyword argument {name!r}")
    model = by_name[loss](*args, **options)
    mine = {**of_loss, "loss": loss}
    return model.set_params(**{k: v for k, v in mine.items() if hasattr(model, k)})


def read_coefficients(model: Any, coef_init: Any, given: FitInput) -> np.ndarray:
    """Return coefficients to start from, (n_tasks, n_features)."""
    name, T = type(model).__name__, len(given.tasks)
    try:
        coef = np.array(coef_init, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: coef_init: {error}; pass numbers") from None
    expected: tuple[int, ...] = T, given.data.design.n_features
    if given.several:
        classes: Any = given.classes
        expected = T, classes.size, expected[1]
        coef = np.nan_to_num(coef)  # where a task has no such class
    if given.layout == "single" and coef.shape == expected[1:]:
        coef = coef[None]
    if coef.shape != expected:
        raise ValueError(
            f"{name}: coef_init has shape {coef.shape}, but there are {T} tasks and "
            f"{expected[1]} features; pass an array of shape {expected}, as coef_ has"
        )
    if not np.all(np.isfinite(coef)):
        raise ValueError(f"{name}: coef_init contains NaN or infinity")
    return coef


def check_order(model: TaskModel, penalty: Any, given: FitInput) -> None:
    """Demand that tasks have an order where the penalty depends on it."""
    if not getattr(penalty, "ordered", False) or given.layout != "long":
        return
    numeric = given.tasks.dtype.kind in "iuf"
    if not (numeric or given.ordered or sort_in_time(given.tasks)):
        raise ValueError(
            f"{type(penalty).__name__} depends on the order of the tasks, but the task "
            f"labels are strings: {some(given.tasks)}; pass task_order=[...], or "
            "numbers, dates or an ordered categorical as labels"
        )


def _is(value: Any, mode: str) -> bool:
    return isinstance(value, str) and value == mode

"""The engine behind every estimator: fit, and what a fit reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning

from linmtl.data import MultiTaskData
from linmtl.data._labels import some
from linmtl.data._read import (
    FitInput,
    read_fit,
)
from linmtl.data._targets import Targets
from linmtl.data._warn import warn
from linmtl.datafits._base import Datafit
from linmtl.datafits._make import Join, make_datafit
from linmtl.datafits._null import null_losses
from linmtl.estimators._docs import parameters
from linmtl.estimators._predictions import PredictsClasses, PredictsTargets
from linmtl.estimators._problem import (
    Problem,
    check_order,
    on_columns,
    read_coefficients,
)
from linmtl.estimators._settings import check_losses, check_settings
from linmtl.estimators._statistics import FitsStatistics
from linmtl.estimators._task_model import TaskModel
from linmtl.losses import LOSSES, Loss
from linmtl.penalties import Penalty, compose
from linmtl.penalties._parameters import is_positive
from linmtl.solvers import Result, minimise, rounded
from linmtl.solvers._objective import Objective


@dataclass(kw_only=True, eq=False, repr=False)
class MultiTaskModel(TaskModel):
    """Base of regressors and classifiers; subclasses give penalty and loss."""

    fit_intercept: bool = True
    task_weight: Mapping[Any, float] | ArrayLike | None = None
    feature_mask: ArrayLike | None = None
    solver: str = "auto"
    max_iter: int = 10_000
    tol: float = 1e-4
    warm_start: bool = False
    verbose: int = 0

    _losses: ClassVar[tuple[str, ...]] = ()
    _takes_absent: ClassVar[bool] = True
    # whether a task of a single class, which the loss leaves out, has what others share
    _lends: ClassVar[bool] = True
    _has_mean_model: ClassVar[bool] = True  # for handle_unknown="mean"

    def _make_penalty(self) -> Penalty:
        raise NotImplementedError

    def _loss_name(self) -> str:
        return getattr(self, "loss", self._losses[0])

    def _loss(self) -> Loss:
        """Return the loss of each observation."""
        check_losses(self, self._losses)  # before a fit, which checks it, may ask
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
            if not self._loss().quadratic:
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
        self._check_offset(offset)
        y, targets, null = self._targets(X, y, tasks)
        return read_fit(
            self,
            X,
            y,
            tasks,
            sample_weight,
            targets,
            null,
            offset,
            several,
            incomplete,
        )

    def _targets(
        self, X: Any, y: Any, tasks: Any
    ) -> tuple[Any, Targets, Callable[[MultiTaskData], np.ndarray]]:
        """Return y to read, what knows of it as much as its loss, and null losses."""
        loss, join = self._loss(), self._join()
        loss.check()
        return y, loss, lambda data: join.task_loss(null_losses(data, loss))

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
        self.__dict__.pop("statistics_", None)  # sums of an earlier fit
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
                warn(
                    f"these tasks have a single class: {some(given.tasks[alone])}; "
                    "they have no loss, and predict what they have seen only"
                )
        if np.any(given.side):
            alone = some(given.tasks[given.side != 0])
            warn(
                f"these tasks have {self._loss().one_sided} and no finite optimum for "
                f"their intercept: {alone}; they are left out of the loss, and about "
                "the mean of their rows predict what they have seen only"
            )
        self._warn_of_classes(given)
        exact = np.isnan(self.task_weight_)
        if np.any(exact):
            warn(
                f"the tasks {some(columns[exact])} are fitted exactly (by constant "
                "targets, a single row, or a penalty too weak for their rows), so that "
                "nothing is left to estimate their noise from: their noise_ is 0 and "
                "their task_weight_ NaN; drop them or raise alpha"
            )

    def _task_weights(self, given: FitInput) -> np.ndarray:
        """Return the weight of each task's mean loss, where the loss has no say."""
        return given.data.total.copy()

    def _warn_unless_converged(self, result: Result) -> None:
        if not result.converged:
            warn(
                f"{type(self).__name__}: {result.message}",
                ConvergenceWarning,
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
        loss = LOSSES.get(self._loss_name())  # none by a wrong name, refused in fit
        return self._several_classes and loss is not None and loss.several


def _is(value: Any, mode: str) -> bool:
    return isinstance(value, str) and value == mode

"""Fits in a few rounds of sums over rows that stay where they are."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.data._fit_input import FitInput
from linmtl.data._labels import codes_of, encode_tasks, some
from linmtl.data._targets import encode_classes
from linmtl.data._weights import read_task_weight
from linmtl.datafits._gram import GramFit
from linmtl.datafits._moments import Moments
from linmtl.designs._stacked import StackedDesign
from linmtl.distributed._parts import Merge, Parts
from linmtl.distributed._rows import (
    Bound,
    Model,
    NewtonSums,
    Reading,
    Survey,
    newton_sums,
    survey,
)
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._problem import Problem, check_order
from linmtl.estimators._settings import check_settings
from linmtl.losses import Squared
from linmtl.penalties import compose
from linmtl.penalties._compose import Composite
from linmtl.solvers import Result, minimise
from linmtl.solvers._objective import Objective
from linmtl.statistics import TaskStatistics

Estimator = TypeVar("Estimator", bound=MultiTaskModel)
_AGAIN = "they must give the same rows each time they are gone through"
_MAX_ROUNDS = 50
_ARMIJO = 1e-4  # the least fall of the objective, of what the model promises
_SHORTEST = 1e-8  # step
# How much sharper curvature that jumps becomes by a step, and by one that was worth
# what the model promised, within a part of it.
_SHARPER, _MUCH_SHARPER, _KEPT = 2.0, 16.0, 0.3
_MOST_IDLE = 3  # rounds in which the objective does not fall
_MOST_STEPS = 10_000  # of the solver of a model
# Of the residuals of a model, relative to their best: smaller ones are inside the
# domain where a row lies on its edge, and the model goes beyond by rounding.
_SCALES = 1.0 - np.array([0.0, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3])


class SumsFit(GramFit):
    """A loss known by its quadratic model.

    The residuals of the model, wherever they are taken and projected, are a point of
    the dual problem of the loss. Its dual value there is left out: only the rows know.

    Attributes
    ----------
    asked : tuple of (ndarray, ndarray, float)
        Coefficients and intercepts at which the residuals are to be taken for it, and
        their scale.
    """

    quadratic = bounded = False
    asked: tuple[np.ndarray, np.ndarray, float]

    def dual_limit(self):
        return 1.0

    def best_scale(self, conjugate, limit, support=0.0):
        return min(limit, 1.0)

    def dual_value(self, scale):
        W = self._W if self._shift is None else self._W + self._shift
        self.asked = W, self.moments.intercepts(W), scale
        return 0.0


class Rounds:
    """The loss of an estimator over rows in parts.

    Parameters
    ----------
    estimator : MultiTaskModel
        What is fitted.
    parts : Parts
        Where the rows are.
    found : Survey, default=None
        What is in them; they are asked by default.
    """

    def __init__(
        self, estimator: MultiTaskModel, parts: Parts, found: Survey | None = None
    ):
        self.parts, self.count = parts, 0
        self.loss = estimator._loss()
        self.reading = Reading(self.loss, estimator.task_column)
        if found is None:
            found = self.merged(survey, Survey.merge)
        assert found is not None
        ordered = encode_tasks(found.tasks, estimator.task_order)[0]
        found = found.of_tasks(codes_of(ordered, found.tasks))
        self.classes, side, level = None, found.side, found.level[:, 0]
        if found.classes is not None:
            if len(found.classes) > 2:
                raise ValueError(
                    f"y has {len(found.classes)} classes, {some(found.classes)}, and "
                    "rows in parts can have two; fit the rows in one place, or each "
                    "class against the others"
                )
            none = np.zeros(len(found.classes), dtype=bool)
            self.classes = encode_classes(found.classes, none)[1]
            self.reading = Reading(self.loss, estimator.task_column, self.classes)
            there = found.level > 0
            side = there[:, 1].astype(int) - there[:, 0].astype(int)
            level = found.level[:, 1] - found.level[:, 0]
        if not estimator.fit_intercept:
            side = np.zeros(len(side), dtype=int)
        elif np.all(side != 0):
            where = "the data" if found.single else "every task"
            raise ValueError(
                f"y has {self.loss.one_sided} in {where}; there is nothing to fit"
            )
        self.found, self.side, self.mean = found, side, level / found.total
        self.known = np.flatnonzero(side == 0)
        self.tasks = found.tasks
        lambda_t = read_task_weight(estimator.task_weight, found.tasks, found.total)
        self.task_weight = np.where(side == 0, lambda_t, 0.0)
        self.per_weight = (lambda_t / found.total)[self.known]  # of those in the loss
        self.fit_intercept = bool(estimator.fit_intercept)

    def merged(self, question: Any, merge: Merge) -> Any:
        """Return what all parts answer to a question, of rows as they are read."""
        self.count += 1
        found = self.parts.reduce(partial(question, reading=self.reading), merge)
        if found is None:
            none = "the parts have no row with a label and a positive weight"
            again = f"{none} any more; {_AGAIN}"
            raise ValueError(none if self.count == 1 else again)
        return found

    def require_rows(self, count: np.ndarray, tasks: np.ndarray) -> None:
        """Demand as many rows of the tasks in the loss as at first."""
        at_first = self.found.count[self.known]
        now = dict(zip(tasks.tolist(), count.tolist(), strict=True))
        known = self.tasks[self.known].tolist()
        if [now.get(task, 0) for task in known] != at_first.tolist():
            raise ValueError(
                f"the parts had {at_first.sum()} rows at first and have {count.sum()} "
                f"in a later pass; {_AGAIN}"
            )

    def moments(self, statistics: TaskStatistics) -> Moments:
        """Return sums of the tasks in the loss, in their order, per weight."""
        self.require_rows(statistics.n_rows, statistics.tasks)
        order = codes_of(self.tasks[self.known], statistics.tasks)
        return statistics.moments.of_tasks(order).times(self.per_weight)

    def sums(self, statistics: TaskStatistics) -> Moments:
        """Return the same among all tasks, about zero where there are no intercepts."""
        moments = self.moments(statistics).among(self.known, len(self.tasks))
        return moments if self.fit_intercept else moments.about_zero()

    def given(self, estimator: MultiTaskModel) -> FitInput:
        """Return what reading all rows says, with the mean row of each task as data."""
        found, T = self.found, len(self.found.tasks)
        centre = found.centre / found.total[:, None]
        data = MultiTaskData(
            StackedDesign(centre, np.arange(T + 1)),
            self.mean,
            self.task_weight,
            self.fit_intercept,
        )
        names, column = found.names, estimator.task_column
        if names is not None and column is not None:
            place = list(names).index(column) if isinstance(column, str) else column
            names = np.delete(names, place)
        alone = np.flatnonzero(self.side)
        return FitInput(
            layout="single" if found.single else "long",
            data=data,
            tasks=found.tasks,
            n_samples=found.total,
            classes=self.classes,
            side=self.side,
            feature_names=names,
            rows=np.arange(T),
            n_rows=T,
            side_means=centre[alone] if alone.size else None,
            ordered=estimator.task_order is not None,
        )

    def start(self) -> np.ndarray:
        """Return the intercepts that are best without coefficients, (n_tasks,)."""
        b, T = np.zeros(len(self.tasks)), self.known.size
        if not self.fit_intercept:
            return b
        y, zero, ptr = self.mean[self.known], np.zeros(T), np.arange(T + 1)
        if self.classes is None:
            b[self.known] = self.loss.intercepts(y, zero, np.ones(T), ptr, zero)
            return b
        # labels of both classes, each with its share
        shares = np.column_stack([(1 - y) / 2, (1 + y) / 2]).ravel()
        signs, zeros = np.tile([-1.0, 1.0], T), np.zeros(2 * T)
        b[self.known] = self.loss.intercepts(signs, zeros, shares, 2 * ptr, zero)
        return b

    def model(self, W: np.ndarray, b: np.ndarray, sharpness: float = np.inf) -> Model:
        """Return what the parts are asked about: the tasks in the loss."""
        known = self.known
        return Model(self.tasks[known], W[:, known], b[known], sharpness)

    def at(
        self,
        W: np.ndarray,
        b: np.ndarray,
        bound: Bound | None = None,
        sharpness: float = 1.0,
    ) -> Point:
        """Return what the parts say at a point, and in answer to a question."""
        model = self.model(W, b, sharpness)
        question = partial(newton_sums, model=model, bound=bound)
        sums: NewtonSums = self.merged(question, NewtonSums.merge)
        fit = SumsFit(self.sums(sums.statistics), self.loss)
        loss = float(self.per_weight @ sums.loss)
        return Point(W, b, model, loss, fit, sums.conjugates @ self.per_weight)


class Point(NamedTuple):
    """What is known at a point.

    Attributes
    ----------
    W : ndarray of shape (n_features, n_tasks)
        Coefficients.
    b : ndarray of shape (n_tasks,)
        Intercepts.
    model : Model
        The same as it was asked about.
    loss : float
        The loss.
    fit : SumsFit
        The quadratic model of the loss.
    conjugates : ndarray of shape (n_scales,)
        The answer to the question for a bound.
    features : ndarray of int, default=None
        Those of the model, if it is not of all.
    """

    W: np.ndarray
    b: np.ndarray
    model: Model
    loss: float
    fit: Any
    conjugates: np.ndarray
    features: np.ndarray | None = None


def begin_rounds(
    estimator: MultiTaskModel, parts: Parts
) -> tuple[Rounds, FitInput, Composite]:
    """Ask parts what is in them, for a fit with any loss.

    Parameters
    ----------
    estimator : estimator
        With a convex penalty of given strength.
    parts : Parts
        Where the rows are.

    Returns
    -------
    rounds : Rounds
        The loss.
    given : FitInput
        What reading all rows says.
    composite : Composite
        The penalty.

    Raises
    ------
    ValueError
        If the estimator cannot be fitted in rounds, or the parts do not fit together.
    """
    check_in_parts(estimator)
    loss = estimator._loss()
    if loss.mostly_flat:
        raise ValueError(
            f"loss={loss.name!r} needs its rows in one place: it has no curvature at "
            "most of them, by which parts tell where to go"
        )
    rounds = Rounds(estimator, parts)
    given = rounds.given(estimator)
    data, _ = estimator._problem(given)
    penalty = estimator._make_penalty()
    if data is not given.data or not penalty.convex:
        raise _not_in_parts(estimator)
    check_order(estimator, penalty, given)
    composite = compose(penalty, data.design.n_features, rounds.tasks)
    if composite.intercepts:
        raise ValueError(
            "intercept_weight needs rows in one place where the loss is not squared"
        )
    return rounds, given, composite


def check_in_parts(estimator: MultiTaskModel) -> None:
    """Demand settings that are allowed, and a fit that asks no more than sums."""
    check_settings(estimator, estimator._losses)
    if type(estimator).fit is not MultiTaskModel.fit or _needs_rows(estimator):
        raise _not_in_parts(estimator)


def _needs_rows(estimator) -> bool:
    return (
        bool(estimator._not_linear)
        or isinstance(getattr(estimator, "alpha", None), str)
        or getattr(estimator, "refit", False) is not False
        or getattr(estimator, "class_weight", None) is not None
        or estimator.feature_mask is not None
        or (
            isinstance(estimator.task_weight, str)
            and estimator.task_weight != "n_samples"
        )
    )


def _not_in_parts(estimator) -> ValueError:
    return ValueError(
        f"{estimator!r} needs its rows in one place; of losses that are not squared, "
        "convex penalties of given strength can be fitted to parts, without refit, "
        "class_weight, feature_mask or a task_weight that follows from losses"
    )


class InRounds:
    """Newton's method, its steps in the variables of the penalty.

    In each round every part says its loss, gradient and Hessian at the last
    coefficients; the model of second order is minimised here, as a least-squares
    problem with the estimator's penalty. With the next they say the dual value at the
    residuals of that model, which are dual feasible: the gap comes with each round.

    Parameters
    ----------
    estimator : MultiTaskModel
        Its tolerance and number of steps.
    composite : Composite
        The penalty.
    rounds : Rounds
        The loss.
    """

    def __init__(self, estimator, composite: Composite, rounds: Rounds):
        self.tol, self.max_iter = estimator.tol, min(estimator.max_iter, _MAX_ROUNDS)
        self.composite, self.rounds, self._sharpness = composite, rounds, 1.0

    def minimise(self) -> tuple[Result, Objective]:
        """Return the solution, and the problem with the loss known there."""
        rounds, composite = self.rounds, self.composite
        W = np.zeros((rounds.found.centre.shape[1], len(rounds.tasks)))
        at = self._ask(W, rounds.start())
        point = Objective(at.fit, composite).start
        self.scale = scale = value = at.loss + composite.value(point)
        tol, dual, idle = self.tol * scale, -np.inf, 0
        history = [(0, float(scale))]
        for _ in range(self.max_iter):
            objective = Objective(at.fit, composite)
            new, b = self._step(at, objective)
            objective.certificate(new)
            W, intercepts, size = at.fit.asked
            scales = size * _SCALES
            bound = Bound(at.model, rounds.model(W, intercepts), scales)
            found, answer = self._search(at, point, value, new, b, bound)
            without = np.array([objective.dual_at(scale) for scale in scales])
            dual = max(dual, float(np.max(without - answer)))
            idle = 0 if found is not None and found[2] < value else idle + 1
            if found is not None:
                at, point, value = found
            history.append((rounds.count, float(max(value - dual, 0.0))))
            if history[-1][1] <= tol or idle == _MOST_IDLE:
                break
        return self._result(at, point, value, history), Objective(at.fit, composite)

    def _result(self, at: Point, point, value, history) -> Result:
        """Return what is known after the last round."""
        rounds, scale, gap = self.rounds, self.scale, history[-1][1]
        tol = self.tol * scale
        message = (
            f"the gap is {gap:.3g} after {rounds.count} rounds, and the tolerance "
            f"{tol:.3g}; increase tol or alpha"
        )
        return Result(
            W=self.composite.coefficients(point),
            point=point,
            b=at.b,
            objective=float(value),
            gap=gap,
            tol=tol,
            scale=float(scale),
            n_iter=rounds.count,
            converged=bool(gap <= tol),
            solver="rounds",
            history=history,
            message="" if gap <= tol else message,
        )

    def _ask(self, W, b, bound: Bound | None = None) -> Point:
        """Ask all parts at a point."""
        return self.rounds.at(W, b, bound, self._sharpness)

    def _step(self, at: Point, objective: Objective) -> tuple[np.ndarray, np.ndarray]:
        """Return where loss and penalty are least by the quadratic model."""
        model = Objective(GramFit(at.fit.moments, Squared()), self.composite)
        start = objective.point(at.W) if not self.composite.is_split else None
        result = self._least(model, start)
        return result.point, result.b

    def _least(self, model: Objective, start: np.ndarray | None) -> Result:
        """Return the minimum of a model of second order."""
        tol = min(1e-4 * self.tol, 1e-7)
        # where curvature is least, responses are far away and the model's own null
        # value says nothing of that of the loss
        return minimise(
            model, tol=tol, scale=self.scale, max_iter=_MOST_STEPS, W0=start
        )

    def _promise(self, at: Point, point, new, b) -> float:
        """Return by how much the objective falls in the quadratic model."""
        composite, losses = self.composite, at.fit.moments.losses
        after = np.sum(losses(composite.coefficients(new), b)) + composite.value(new)
        before = np.sum(losses(at.W, at.b)) + composite.value(point)
        return before - after

    def _search(self, at: Point, point, value, new, b, bound):
        """Return the first point on the way that keeps a part of the promise.

        None where there is none; and the answer to the question for a bound.
        """
        composite, rounding = self.composite, 1e-13 * abs(value)
        promise = self._promise(at, point, new, b)
        size, answer = 1.0, np.zeros(0)
        while size > _SHORTEST:
            moved = point + size * (new - point)
            found = self._ask(
                composite.coefficients(moved),
                at.b + size * (b - at.b),
                bound if size == 1.0 else None,
            )
            answer = found.conjugates if size == 1.0 else answer
            total = found.loss + composite.value(moved)
            if total <= value - _ARMIJO * size * promise + rounding:
                kept = size == 1.0 and abs(value - total - promise) < _KEPT * promise
                self._sharpness *= _MUCH_SHARPER if kept else _SHARPER
                return (found, moved, total), answer
            size /= 4
        return None, answer


def store(
    estimator: MultiTaskModel,
    rounds: Rounds,
    given: FitInput,
    objective: Objective,
    result: Result,
) -> None:
    """Give the estimator what it has after a fit of rows in one place."""
    found = rounds.found
    estimator.n_features_in_ = found.n_columns
    estimator.__dict__.pop("feature_names_in_", None)
    if found.names is not None:
        estimator.feature_names_in_ = found.names
    estimator._store(Problem(given, given.data, rounds.tasks, objective), result)

"""What is computed where the rows are; it travels as numbers of the tasks alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from linmtl.data._labels import codes_of, encode_tasks, n_rows, require_like, some
from linmtl.data._read import read_X
from linmtl.data._rows import among_tasks
from linmtl.data._tables import as_table
from linmtl.data._targets import (
    missing_mask,
    one_for_each_row,
    read_labels,
    read_targets,
)
from linmtl.data._weights import read_sample_weight
from linmtl.designs._stacked import StackedDesign
from linmtl.losses import Loss
from linmtl.statistics import TaskStatistics
from linmtl.statistics._chunks import fit_arguments
from linmtl.statistics._task_statistics import FirstRows, require_tasks_alike

# Relative to the largest: a smaller curvature of an observation is raised to it, so
# that no working response is far away; a model of more curvature is on the safe side.
_LEAST_CURVATURE = 1e-6
_OFF = 1e-6  # of the largest residual, that one may be outside of its domain


class Part(NamedTuple):
    """The arguments of ``fit`` for some rows."""

    X: Any
    y: Any
    tasks: Any = None
    sample_weight: Any = None

    @classmethod
    def of(cls, given: Any) -> Part:
        """Return a part of a tuple of two to four of the arguments."""
        return given if isinstance(given, cls) else cls(*fit_arguments(given))


class Rows(NamedTuple):
    """Rows of a part that count."""

    X: Any
    y: np.ndarray
    labels: np.ndarray
    weight: np.ndarray
    names: np.ndarray | None
    n_columns: int
    single: bool  # whether they are of one task without a label


@dataclass(frozen=True)
class Reading:
    """How the rows of all parts are read.

    Attributes
    ----------
    loss : Loss
        The loss.
    task_column : str, int or None
        The column of X that holds the task labels.
    classes : ndarray of shape (2,) or None
        Labels of the classes, once all parts have been asked.
    """

    loss: Loss
    task_column: str | int | None = None
    classes: np.ndarray | None = None

    def rows(self, part: Part) -> Rows | None:
        """Return the rows of a part with a label and a weight, None where it has none.

        Labels of classes become -1 and +1 once the classes are known.
        """
        read_y = read_labels if self.loss.classify else read_targets
        rows = rows_of(part, self.task_column, read_y)
        if rows is None:
            return None
        y = rows.y
        if self.classes is not None:
            y = np.where(y == self.classes[1], 1.0, -1.0)
        elif not self.loss.classify:
            y = self.loss.encode(y.astype(float), np.zeros(y.shape, dtype=bool))[0]
        return rows._replace(y=y)


def rows_of(
    part: Part, task_column: str | int | None, read_y: Callable[[Any], np.ndarray]
) -> Rows | None:
    """Return the rows of a part with a label and a weight, None where it has none."""
    X, y, tasks, weight = Part.of(part)
    X = as_table(X)
    if n_rows(X) == 0:
        return None
    reader = FirstRows(task_column)
    X, labels, _ = read_X(reader, X, tasks, reset=True)
    y = one_for_each_row(read_y(as_table(y)), X.shape[0], labels is not None)
    weight = read_sample_weight(weight, y.shape)
    used = np.flatnonzero((weight > 0) & ~missing_mask(y))
    if used.size == 0:
        return None
    single = labels is None
    labels = np.zeros(used.size, dtype=int) if single else labels[used]
    X = X.tocsr()[used] if hasattr(X, "tocsr") else X[used]
    names = getattr(reader, "feature_names_in_", None)
    n_columns = reader.n_features_in_
    return Rows(X, y[used], labels, weight[used], names, n_columns, single)


@dataclass(frozen=True)
class Wide:
    """An answer without sums, of a part with many features.

    Attributes
    ----------
    n_features : int
        Columns of X.
    """

    n_features: int


@dataclass(frozen=True)
class Survey:
    """What is in a part: tasks, their weights, levels and classes.

    Attributes
    ----------
    tasks : ndarray of shape (n_tasks,)
        Labels, sorted.
    count : ndarray of int of shape (n_tasks,)
        Rows.
    total : ndarray of shape (n_tasks,)
        Sums of the weights.
    level : ndarray of shape (n_tasks, n_classes or 1)
        Sums of the weights of each class, or of the weights times the targets.
    centre : ndarray of shape (n_tasks, n_features)
        Sums of the weights times the features.
    side : ndarray of int of shape (n_tasks,)
        -1 or +1 where targets are all on one side, which is no best intercept.
    classes : ndarray or None
        Labels of the classes.
    names : ndarray or None
        Names of the columns, that of the tasks included.
    n_columns : int
        Their number.
    single : bool
        Whether the rows are of one task without a label.
    """

    tasks: np.ndarray
    count: np.ndarray
    total: np.ndarray
    level: np.ndarray
    centre: np.ndarray
    side: np.ndarray
    classes: np.ndarray | None
    names: np.ndarray | None
    n_columns: int
    single: bool

    def merge(self, other: Survey) -> Survey:
        """Return what is in both parts."""
        if self.centre.shape[1] != other.centre.shape[1]:
            raise ValueError(
                f"X has {self.centre.shape[1]} features in one part and "
                f"{other.centre.shape[1]} in another"
            )
        if self.names is not None and other.names is not None:
            differ = self.names != other.names
            if np.any(differ):
                raise ValueError(
                    "the columns of X differ between parts: "
                    f"{some(self.names[differ])} and {some(other.names[differ])}"
                )
        require_tasks_alike(self.single, other.single)
        require_like(other.tasks, self.tasks, "a part has the labels")
        tasks = np.union1d(self.tasks, other.tasks)
        classes = self.classes
        if classes is not None and other.classes is not None:
            if isinstance(classes[0], str) != isinstance(other.classes[0], str):
                raise ValueError(
                    f"the classes are {some(other.classes)} in one part and "
                    f"{some(classes)} in another: pass text or numbers in all of them"
                )
            classes = np.union1d(classes, other.classes)
        a, b = (one._among(tasks, classes) for one in (self, other))
        side = np.where(a.side == b.side, a.side, 0)
        side = np.where(a.count == 0, b.side, np.where(b.count == 0, a.side, side))
        return Survey(
            tasks,
            a.count + b.count,
            a.total + b.total,
            a.level + b.level,
            a.centre + b.centre,
            side,
            classes,
            other.names if self.names is None else self.names,
            self.n_columns,
            self.single,
        )

    def of_tasks(self, order: np.ndarray) -> Survey:
        """Return the same with the tasks in another order."""
        sums = ("tasks", "count", "total", "level", "centre", "side")
        return replace(self, **{name: getattr(self, name)[order] for name in sums})

    def _among(self, tasks: np.ndarray, classes: np.ndarray | None) -> Survey:
        """Return the same among more tasks and classes."""
        level = self.level
        if classes is not None and self.classes is not None:
            level = np.zeros((len(self.tasks), len(classes)))
            level[:, np.searchsorted(classes, self.classes)] = self.level
        own = replace(self, tasks=tasks, level=level, classes=classes)
        positions = np.searchsorted(tasks, self.tasks)
        sums = {
            name: among_tasks(getattr(own, name), positions, len(tasks))
            for name in ("count", "total", "level", "centre", "side")
        }
        return replace(own, **sums)


def survey(part: Part, reading: Reading) -> Survey | None:
    """Return what is in a part, None for nothing."""
    rows = reading.rows(part)
    if rows is None:
        return None
    tasks, code = encode_tasks(rows.labels)
    order = np.argsort(code, kind="stable")
    X, y, weight, code = rows.X[order], rows.y[order], rows.weight[order], code[order]
    T = len(tasks)
    count, classes = np.bincount(code, minlength=T), None
    task_ptr = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    centre = StackedDesign(X, task_ptr).task_sums(weight)
    total = np.bincount(code, weights=weight, minlength=T)
    if reading.loss.classify:
        classes, which = np.unique(y, return_inverse=True)
        level = np.zeros((T, len(classes)))
        np.add.at(level, (code, which), weight)
        side = np.zeros(T, dtype=int)
    else:
        level = np.bincount(code, weights=weight * y, minlength=T)[:, None]
        side = reading.loss.own_sides(y, weight, task_ptr)
    return Survey(
        tasks,
        count,
        total,
        level,
        centre,
        side,
        classes,
        rows.names,
        rows.n_columns,
        rows.single,
    )


@dataclass(frozen=True)
class Model:
    """A point to ask about.

    Attributes
    ----------
    tasks : ndarray of shape (n_tasks,)
        Labels of the tasks in the loss.
    W : ndarray of shape (n_features or n_used, n_tasks)
        Coefficients.
    b : ndarray of shape (n_tasks,)
        Intercepts.
    sharpness : float, default=inf
        Of the curvature that the quadratic model of the loss has there.
    features : ndarray of int of shape (n_used,), default=None
        Those of the coefficients, where all others are zero.
    """

    tasks: np.ndarray
    W: np.ndarray
    b: np.ndarray
    sharpness: float = np.inf
    features: np.ndarray | None = None

    def predict(self, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        """Return linear predictors, and the code of each row, -1 if left out."""
        code = codes_of(rows.labels, self.tasks)
        W, b = self.W.T[code], self.b[code]
        X = rows.X if self.features is None else rows.X[:, self.features]
        if hasattr(X, "multiply"):
            eta = np.asarray(X.multiply(W).sum(axis=1)).ravel()
        else:
            eta = np.einsum("ij,ij->i", X, W, dtype=float)
        return eta + b, code


@dataclass(frozen=True)
class Bound:
    """A question for a lower bound of the optimum.

    Attributes
    ----------
    model : Model
        Where the loss was replaced by its quadratic model.
    moved : Model
        Where the residuals of the model are taken.
    scales : ndarray of shape (n_scales,)
        What they are multiplied by.
    """

    model: Model
    moved: Model
    scales: np.ndarray

    def residuals(
        self, rows: Rows, loss: Loss
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return rows, their tasks' codes, residuals and predictors, (n_kept,) each."""
        eta, code = self.model.predict(rows)
        kept = np.flatnonzero(code >= 0)
        u, curvature = _slopes(loss, rows.y[kept], eta[kept], self.model)
        moved = self.moved.predict(rows)[0][kept]
        return kept, code[kept], u - curvature * (moved - eta[kept]), moved

    def conjugates(self, rows: Rows, loss: Loss) -> np.ndarray:
        """Return the weighted sums of the conjugates, (n_scales, n_tasks).

        Infinite where a scale takes a row out of the domain, unless hardly: rows on
        which the loss is flat or linear have a little curvature in the model, and lie
        on the boundary. They stay there, which costs the bound what they are off times
        their predictors: about as much at the optimum as at the model.
        """
        kept, code, u, moved = self.residuals(rows, loss)
        y, weight = rows.y[kept], rows.weight[kept]
        low, high = loss.domain(y)
        allowed = _OFF * np.abs(u).max(initial=0.0)
        out, T = [], len(self.model.tasks)
        for scale in self.scales:
            at = np.clip(scale * u, low, high)
            off = np.abs(scale * u - at)
            values = np.full(u.shape, np.inf)
            if np.all(off <= allowed):
                values = loss.conjugate(y, at) + off * np.abs(moved)
            out.append(np.bincount(code, weight * values, T))
        return np.array(out)


@dataclass(frozen=True)
class NewtonSums:
    """The loss of each task at a point, and its quadratic model there.

    Attributes
    ----------
    loss : ndarray of shape (n_tasks,)
        The loss.
    statistics : TaskStatistics
        The model: it is a weighted least-squares problem in working responses.
    conjugates : ndarray of shape (n_scales, n_tasks)
        The answer to the question for a bound, empty without one.
    """

    loss: np.ndarray
    statistics: TaskStatistics
    conjugates: np.ndarray

    def merge(self, other: NewtonSums) -> NewtonSums:
        """Return the sums over both parts."""
        return NewtonSums(
            self.loss + other.loss,
            self.statistics.merge(other.statistics),
            self.conjugates + other.conjugates,
        )


def newton_sums(
    part: Part, reading: Reading, model: Model, bound: Bound | None = None
) -> NewtonSums | None:
    """Return loss, gradient and Hessian of the rows of a part."""
    rows = reading.rows(part)
    working = None if rows is None else _working(rows, reading.loss, model)
    if rows is None or working is None:
        return None
    kept, code, eta, u, curvature = working
    T, y, weight = len(model.tasks), rows.y[kept], rows.weight[kept]
    statistics = TaskStatistics.of(
        rows.X[kept], eta + u / curvature, rows.labels[kept], weight * curvature
    )
    value = np.bincount(code, weight * reading.loss.value(y, eta), T)
    conjugates = np.zeros((0, T))
    if bound is not None:
        conjugates = bound.conjugates(rows, reading.loss)
    return NewtonSums(value, statistics, conjugates)


def newton_weights(
    part: Part, reading: Reading, model: Model
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return what rows weigh in the Hessian of :func:`newton_sums`, and their tasks."""
    rows = reading.rows(part)
    working = None if rows is None else _working(rows, reading.loss, model)
    if rows is None or working is None:
        return None
    kept, *_, curvature = working
    return rows.labels[kept], rows.weight[kept] * curvature


def _working(rows: Rows, loss: Loss, model: Model):
    """Return the rows of the tasks of a model, their codes, predictors and slopes."""
    eta, code = model.predict(rows)
    kept = np.flatnonzero(code >= 0)
    if kept.size == 0:
        return None
    eta = eta[kept]
    slopes = _slopes(loss, rows.y[kept], eta, model)
    return kept, code[kept], eta, *slopes


@dataclass(frozen=True)
class ResidualSums:
    """The squared loss at a point, and its gradient.

    Attributes
    ----------
    square : ndarray of shape (n_tasks,)
        Sums of the weights times the squared residuals.
    gradient : ndarray of shape (n_tasks, n_features)
        Sums of the weights times the residuals times the features.
    count : ndarray of int of shape (n_tasks,)
        Rows.
    """

    square: np.ndarray
    gradient: np.ndarray
    count: np.ndarray

    def merge(self, other: ResidualSums) -> ResidualSums:
        """Return the sums over both parts."""
        return ResidualSums(
            self.square + other.square,
            self.gradient + other.gradient,
            self.count + other.count,
        )


def residual_sums(part: Part, reading: Reading, model: Model) -> ResidualSums | None:
    """Return the squared loss of the rows of a part and its gradient."""
    rows = reading.rows(part)
    if rows is None:
        return None
    eta, code = model.predict(rows)
    kept, T = np.flatnonzero(code >= 0), len(model.tasks)
    code, residual = code[kept], (rows.y - eta)[kept]
    weighted = rows.weight[kept] * residual
    square = np.bincount(code, weighted * residual, T)
    count = np.bincount(code, minlength=T)
    return ResidualSums(square, _sums_by_task(rows.X, kept, code, weighted, T), count)


def _sums_by_task(X, kept, code, weight, n_tasks):
    """Return weighted sums of the features of some rows, (n_tasks, n_features)."""
    order = np.argsort(code, kind="stable")
    count = np.bincount(code, minlength=n_tasks)
    task_ptr = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    return StackedDesign(X[kept[order]], task_ptr).task_sums(weight[order])


@dataclass(frozen=True)
class SetSums:
    """The loss of each task at a point, and its quadratic model on a working set.

    Attributes
    ----------
    loss : ndarray of shape (n_tasks,)
        The loss.
    count : ndarray of int of shape (n_tasks,)
        Rows.
    statistics : TaskStatistics or None
        The model on the features of the working set; None where that is empty.
    conjugates : ndarray of shape (n_scales, n_tasks)
        The answer to the question for a bound, empty without one.
    gradient : ndarray of shape (n_tasks, n_features)
        Sums of the weights times the residuals of that question times all features;
        without rows if there is no question.
    """

    loss: np.ndarray
    count: np.ndarray
    statistics: TaskStatistics | None
    conjugates: np.ndarray
    gradient: np.ndarray

    def merge(self, other: SetSums) -> SetSums:
        """Return the sums over both parts."""
        statistics = self.statistics
        if statistics is not None and other.statistics is not None:
            statistics = statistics.merge(other.statistics)
        return SetSums(
            self.loss + other.loss,
            self.count + other.count,
            statistics,
            self.conjugates + other.conjugates,
            self.gradient + other.gradient,
        )


def set_sums(
    part: Part,
    reading: Reading,
    model: Model,
    features: np.ndarray,
    bound: Bound | None = None,
) -> SetSums | None:
    """Return the loss of the rows of a part, and its model on some features."""
    rows = reading.rows(part)
    working = None if rows is None else _working(rows, reading.loss, model)
    if rows is None or working is None:
        return None
    kept, code, eta, u, curvature = working
    T, y, weight = len(model.tasks), rows.y[kept], rows.weight[kept]
    statistics = None
    if features.size:
        X = rows.X[:, features][kept]
        labels, targets = rows.labels[kept], eta + u / curvature
        statistics = TaskStatistics.of(X, targets, labels, weight * curvature)
    value = np.bincount(code, weight * reading.loss.value(y, eta), T)
    count = np.bincount(code, minlength=T)
    conjugates, gradient = np.zeros((0, T)), np.zeros((0, rows.X.shape[1]))
    if bound is not None:
        conjugates = bound.conjugates(rows, reading.loss)
        kept, code, u, _ = bound.residuals(rows, reading.loss)
        gradient = _sums_by_task(rows.X, kept, code, rows.weight[kept] * u, T)
    return SetSums(value, count, statistics, conjugates, gradient)


def sums_of_some(
    part: Part, reading: Reading, features: np.ndarray
) -> TaskStatistics | None:
    """Return the statistics of some features of a part."""
    rows = reading.rows(part)
    if rows is None:
        return None
    X = rows.X[:, features]
    return TaskStatistics.of(X, rows.y, rows.labels, rows.weight)


def _slopes(loss, y, eta, model):
    """Return minus the first derivative of each loss, and its curvature in a model."""
    u = -loss.derivative(y, eta)
    curvature = loss.model_curvature(y, eta, model.sharpness)
    return u, np.maximum(curvature, _LEAST_CURVATURE * curvature.max(initial=1e-3))

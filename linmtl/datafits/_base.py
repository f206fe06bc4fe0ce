"""What a datafit is: the loss of all tasks as a function of W, intercepts optimal.

A datafit is evaluated at W; it then holds the residuals ``theta`` (a point of the dual
problem), which can be projected and scaled to certify how far W is from the optimum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from linmtl.data._canonical import MultiTaskData
from linmtl.losses import Loss

UNIT = 8 * np.finfo(float).eps  # rounding of an objective, relative to what it sums


@dataclass(frozen=True)
class Residuals:
    """What predicting all observations gives, where a solver has it already.

    Those of a datafit are its own arrays, overwritten when it is evaluated again.

    Attributes
    ----------
    b : ndarray of shape (n_tasks,)
        Intercepts; for centred targets where the datafit has centred them.
    theta : ndarray of shape (n_observations,)
        Weighted residuals.
    task_loss : ndarray of shape (n_tasks,)
        Loss of each task.
    gradient : ndarray of shape (n_features, n_columns) or None
        Negative gradient of the loss, where it is known too.
    others : tuple of ndarray or None
        What a loss knows beside of features that have been eliminated from it.
    """

    b: np.ndarray
    theta: np.ndarray
    task_loss: np.ndarray
    gradient: np.ndarray | None = None
    others: Any = None


class FreePart(NamedTuple):
    """Directions in which ``G[rows][:, columns] @ vectors`` has to be the target.

    Attributes
    ----------
    rows : ndarray of bool of shape (n_features,), or of int of shape (n_rows,)
        Features.
    columns : ndarray of int of shape (n_some,)
        Columns of W.
    target : ndarray of shape (n_rows,) or (n_rows, n_vectors)
        One for all vectors, or one for each.
    vectors : ndarray of shape (n_some, n_vectors), default=None
        One vector of ones by default.
    """

    rows: np.ndarray
    columns: np.ndarray
    target: np.ndarray
    vectors: np.ndarray | None = None


class Datafit:
    """Base: what solvers and a certificate need of the loss.

    Attributes
    ----------
    loss : Loss
        The loss of each observation.
    n_features, n_columns : int
        The shape of W.
    b : ndarray of shape (n_tasks,)
        Intercepts at the last W evaluated.
    square : float
        Weighted sum of the squares of the (centred) targets; zero where the loss does
        not depend on ``y - eta`` alone.
    rounding : float
        Size of the rounding errors of the loss.
    quadratic : bool
        Whether the loss as a whole is a quadratic function of W.
    bounded : bool
        Whether its curvature has a bound, which `curvature` returns.
    additive : bool
        Whether it is the sum of the tasks' losses: no two columns of W are coupled.
    coupled : bool
        Whether residuals that are moved for one column may move those of others.
    column_groups : ndarray of int or None
        Bounds of the columns whose losses are one, the classes of a task, where
        `hessians_of_classes` returns their Hessians.
    profiled : bool
        Whether features have been eliminated from it that predict beside X W.
    reweightable : bool
        Whether it is a minimum over weights of squared losses, as `weighted` returns
        them; it may have kinks.
    holds_rows : bool
        Whether it has residuals and a design, rather than moments alone.
    residuals_are_linear : bool
        Whether residuals on a line between two points lie between theirs.
    pending : bool
        Whether moments are yet to be made, at the cost of many passes over the rows.
    rows : MultiTaskData or None
        The rows of moments, where they are at hand.
    of_rows : Datafit or None
        The same loss through residuals, where it goes by moments and the rows are at
        hand.
    data : MultiTaskData
        The observations, where it holds rows.
    y, theta : ndarray of shape (n_observations,)
        Their targets, centred where the loss allows, and the residuals at the last W.
    moments : Moments
        What it holds in place of rows.
    H, C : ndarray of shape (1 or n_columns, n_features, n_features), (n_columns, \
n_features)
        Then: the Hessians, and the negative gradients at zero.
    eigenbases : tuple of ndarray
        Then: the eigenvalues and eigenvectors of the Hessians.
    """

    loss: Loss
    n_features: int
    n_columns: int
    b: np.ndarray
    square: float = 0.0
    rounding: float
    quadratic: bool = False
    bounded: bool = False
    additive: bool = True
    coupled: bool = False
    column_groups: np.ndarray | None = None
    profiled: bool = False
    reweightable: bool = False
    holds_rows: bool = True
    residuals_are_linear: bool = False
    pending: bool = False
    rows: MultiTaskData | None = None
    of_rows: Datafit | None = None
    residuals: Residuals | None = None
    eliminated: Any = None  # what :func:`linmtl.datafits._eliminate.eliminate` keeps
    carried: Any = (
        None  # what :func:`linmtl.datafits._intercepts.carry_intercepts` does
    )
    least_squares: Any = None  # what alternating directions keep
    mean_resolvents: Any = None  # what paths of quadratic penalties keep,
    rescaled: Any = None  # and where rows of W have weights
    data: MultiTaskData
    y: np.ndarray
    theta: np.ndarray
    moments: Any
    H: np.ndarray
    C: np.ndarray
    eigenbases: Any

    @property
    def row_count(self) -> int:
        """The number of observations, or what a Gram matrix has in their place."""
        raise NotImplementedError

    @property
    def largest_block(self) -> tuple[int, bool]:
        """The rows of the largest task, and whether all tasks share them."""
        raise NotImplementedError

    def evaluate(
        self, W: np.ndarray, G: np.ndarray, residuals: Residuals | None = None
    ) -> float:
        """Return the loss at W and write its negative gradient into G.

        ``residuals`` are those at W, if they are known: nothing is predicted then, nor
        multiplied by X' if the gradient is among them.
        """
        raise NotImplementedError

    def restart(self) -> None:
        """Forget the last intercepts, from which the search for others starts."""

    def settle(self) -> None:
        """Make the moments now, if they are pending, with as many threads as pay."""

    def loss_at(self, W: np.ndarray) -> float:
        """Return the loss at W alone."""
        raise NotImplementedError

    def error(self, W: np.ndarray) -> Any:
        """Return what moments may cost the loss at W, beyond `rounding`.

        A number, or (...,) for several W (..., n_features, n_columns).
        """
        return 0.0

    @property
    def hessian_weight(self) -> np.ndarray:
        """Weight of each observation in the Hessian at the last W evaluated."""
        raise NotImplementedError

    def hessian_product(self, V: np.ndarray) -> np.ndarray:
        """Return the Hessian of each column at the last W times that of V."""
        raise NotImplementedError

    def small_hessians(self, size: int) -> np.ndarray | None:
        """Return the Hessians of all columns where features are fewer than ``size``.

        Else None, also where one does for all.
        """
        return None

    @property
    def fewest_rows(self) -> int:
        """Rows of the smallest task."""
        raise NotImplementedError

    def hessian_rows(self) -> Iterator[np.ndarray]:
        """Yield A with ``A'A`` the Hessian at the last W, of each column.

        Only one where all columns have the same.
        """
        raise NotImplementedError

    def hessians(
        self,
        features: np.ndarray,
        dtype: type = np.float64,
        least: float = 0.0,
    ) -> np.ndarray:
        """Return the Hessian of each column at the last W, on some features.

        ``least`` is the smallest curvature that an observation is taken to have.
        """
        raise NotImplementedError

    def hessians_of_classes(
        self, features: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the Hessian at the last W on some features, of `column_groups`.

        In blocks: those of each column, (n_columns, n_features, n_features); the others
        of its task, (n_columns, most), -1 where there are fewer and for itself; and the
        blocks between both, (n_columns, most, n_features, n_features), with a row for
        each feature of the former.
        """
        raise NotImplementedError

    def project(self, parts: Sequence[FreePart], G: np.ndarray) -> None:
        """Move the residuals so that for every part the gradient is its target.

        The move is the shortest in the metric of the Hessian of the loss: it is a
        Newton step along the directions that the penalty leaves free, so that near the
        optimum it vanishes faster than the constraint it mends. G is updated by
        :meth:`refresh`.
        """
        raise NotImplementedError

    def feature_scale(self) -> np.ndarray:
        """Return the largest norm of each feature in a task, (n_features,)."""
        raise NotImplementedError

    def residual_norm(self) -> float:
        """Return the norm of the residuals dual to that of the features."""
        raise NotImplementedError

    def refresh(self, G: np.ndarray) -> None:
        """Write the negative gradient of the projected residuals into G."""
        raise NotImplementedError

    def dual_limit(self) -> float:
        """Return the largest scale at which the residuals are in the dual domain."""
        raise NotImplementedError

    def best_scale(self, conjugate: float, limit: float, support: float = 0.0) -> float:
        """Return the scale s in [0, limit] to use for the dual value.

        ``s * support + s**2 * conjugate`` is what the penalty takes off it.
        """
        raise NotImplementedError

    def dual_value(self, scale: float) -> float:
        """Return the dual value of the loss at ``scale * theta``."""
        raise NotImplementedError

    def curvature(self, scaled: bool) -> tuple[np.ndarray, float]:
        """Return a diagonal metric D and L with Hessian <= L D for every task.

        D is the identity unless ``scaled``, where it has the features' own curvature.
        Where there is no bound, it is that of the null model.
        """
        raise NotImplementedError

    def restrict(self, features: np.ndarray) -> Datafit:
        """Return the datafit with only these features."""
        raise NotImplementedError

    def fitted_attributes(self, W: np.ndarray) -> dict[str, np.ndarray]:
        """Return what an estimator reports of the loss at the solution, by name."""
        return {}

    def of_tasks(self, tasks: np.ndarray) -> Datafit:
        """Return the datafit of these tasks (positions) only."""
        raise NotImplementedError

    def gather(self, features: np.ndarray, last: Datafit | None = None) -> Datafit:
        """Return :meth:`restrict` in the form that a working set is solved on.

        ``last`` is what this method returned for an earlier set, to copy from.
        """
        return self.restrict(features)

    def with_hessians(self) -> Datafit:
        """Return this datafit in the form in which many Hessians are made."""
        return self


def centred_targets(data: MultiTaskData) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted mean target of each task, and y less it."""
    mean = np.zeros(data.design.n_tasks)
    if not data.fit_intercept:
        return mean, data.y
    used = data.total > 0
    mean[used] = data.task_sum(data.weight * data.y)[used] / data.total[used]
    return mean, data.y - np.repeat(mean, np.diff(data.task_ptr))


class SquaredSums(Datafit):
    """A squared loss that knows two sums at its last point, but no residuals."""

    _linear: float  # sum theta y
    _square: float  # sum theta^2

    def dual_limit(self):
        return np.inf

    def best_scale(self, conjugate, limit, support=0.0):
        return best_scale(self._linear - support, self._square + 2 * conjugate, limit)

    def dual_value(self, scale):
        return scale * self._linear - scale**2 * self._square / 2


def best_scale(linear: float, square: float, limit: float) -> float:
    """Maximise ``s * linear - s^2 * square / 2`` over 0 <= s <= limit."""
    if linear <= 0.0:
        return 0.0
    best = linear / square if square > 0 else np.inf
    best = min(best, limit)
    return best if np.isfinite(best) else 0.0


def directions(
    parts: Sequence[FreePart], G: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Return what projections onto some parts have in common.

    Returns
    -------
    columns : ndarray of int of shape (n_columns,)
        The columns of all parts, increasing.
    entries : list of ndarray of shape (n_columns, n_vectors)
        The vectors of each part on these columns.
    over : ndarray
        What the gradient is more than the targets, part after part, for each vector
        the rows.
    """
    columns = np.unique(np.concatenate([part.columns for part in parts]))
    entries, over = [], []
    for rows, own, target, vectors in parts:
        if vectors is None:
            vectors = np.ones((own.size, 1))
        target = np.asarray(target)
        target = target[:, None] if target.ndim == 1 else target
        entry = np.zeros((columns.size, vectors.shape[1]))
        entry[np.searchsorted(columns, own)] = vectors
        entries.append(entry)
        over.append((G[rows][:, own] @ vectors - target).T.ravel())
    return columns, entries, np.concatenate(over)

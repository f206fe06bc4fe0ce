"""What was read from the arguments of `fit`: canonical data and what was passed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from linmtl.data._canonical import MultiTaskData, far_intercept, lent
from linmtl.data._classes import ClassColumns

_ROUNDING_OF_SQUARES = 1e-13


@dataclass(frozen=True)
class FitInput:
    """What was read from the arguments of `fit`.

    Attributes
    ----------
    layout : {"single", "long", "wide"}
        One task; one label per row; one column of Y per task.
    data : MultiTaskData
        Canonical data, weights included.
    tasks : ndarray of shape (n_tasks,)
        Task labels, in the order of the data.
    n_samples : ndarray of shape (n_tasks,)
        Sum of the sample weights of each task, S_t.
    classes : ndarray of shape (n_classes,) or None
        Class labels of a classifier; of two, y is -1 for the first and +1 for the
        second, of more y is the position.
    side : ndarray of shape (n_tasks,)
        -1 or +1 for a task whose best intercept is infinite on that side (only one
        class occurs, counts are all zero) and which is therefore left out of the loss,
        0 elsewhere.
    feature_names : ndarray of shape (n_features,) or None
        Names of the columns of coef_.
    rows : ndarray of int
        The row of X, as passed, of each observation (wide: of each sample).
    n_rows : int
        Number of rows of X as passed.
    ordered : bool
        Whether the order of the tasks was given, by ``task_order`` or categories.
    scale : ndarray of shape (n_features,) or None
        What the features of the design were divided by, if anything.
    side_means : ndarray of shape (n_tasks_left_out, n_features)
        Means of the features in the tasks that are left out of the loss.
    side_offset : ndarray of shape (n_tasks_left_out,)
        Means of the offsets in these tasks.
    present : ndarray of bool of shape (n_features, n_tasks) or None
        Which features each task has; those absent are zero in `data`. None where all
        have all.
    offset : ndarray of shape (n_observations,) or None
        What was passed to be added to the linear predictors. Where `data` have none,
        their targets are less it.
    """

    layout: str
    data: MultiTaskData
    tasks: np.ndarray
    n_samples: np.ndarray
    classes: np.ndarray | None
    side: np.ndarray
    feature_names: np.ndarray | None
    rows: np.ndarray
    n_rows: int
    ordered: bool = False
    scale: np.ndarray | None = None
    side_means: np.ndarray | None = None
    side_offset: np.ndarray | None = None
    offset: np.ndarray | None = None
    present: np.ndarray | None = None

    @property
    def code(self) -> np.ndarray:
        """The task of each observation, a position in `tasks`."""
        return np.repeat(np.arange(len(self.tasks)), np.diff(self.data.task_ptr))

    @property
    def sample_weight(self) -> np.ndarray:
        """Weight of each observation in units of samples; zero if it does not count."""
        data, size = self.data, np.zeros(len(self.tasks))
        np.divide(self.n_samples, data.total, out=size, where=data.total > 0)
        return data.weight * size[self.code]

    @property
    def y(self) -> np.ndarray:
        """Targets of all observations, offsets included."""
        y, shift = self.data.y, self.offset
        return y if shift is None or self.data.offset is not None else y + shift

    def long(self, used: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray]:
        """Return X, y as passed and tasks (positions) of some of the observations."""
        return self.data.design.samples(used), self.labels(used), self.code[used]

    def labels(self, used: np.ndarray) -> np.ndarray:
        """Return the targets of some of the observations as they were passed."""
        y = self.y[used]
        if self.classes is None:
            return y
        return self.classes[(y if self.several else y > 0).astype(int)]

    @property
    def several(self) -> bool:
        """Whether there are more than two classes."""
        return self.classes is not None and self.classes.size > 2

    @property
    def class_axis(self) -> tuple[int, ...]:
        """The length of the axis that several classes add to linear predictors."""
        return (len(self.classes),) if self.classes is not None and self.several else ()

    @property
    def single_class(self) -> np.ndarray:
        """Which tasks have a single class, or no best intercept, (n_tasks,)."""
        if not self.several:
            return self.side != 0
        pairs = self.class_columns(self.data, self.tasks)
        return np.bincount(pairs.task, minlength=len(self.tasks)) < 2

    def class_columns(self, data: MultiTaskData, tasks: np.ndarray) -> ClassColumns:
        """Return the columns of W of more than two classes, for data of these tasks."""
        assert self.classes is not None
        return ClassColumns.of(data, tasks, self.classes)

    def spreads(self) -> np.ndarray:
        """Return the spread of each feature within the tasks, (n_features,).

        The root of the mean over the tasks, as they are weighted, of its variance (of
        its square, without intercepts); zero for a feature that is constant within
        all tasks.
        """
        data = self.data
        total = data.total.sum()
        if self.present is not None:  # of the tasks that have a feature
            total = self.present @ data.total
            total[total <= 0] = 1.0
        square = data.design.column_squares(data.weight, data.fit_intercept) / total
        if data.fit_intercept:  # of a constant nothing but rounding is left
            whole = data.design.column_squares(data.weight, False) / total
            square[square <= _ROUNDING_OF_SQUARES * whole] = 0.0
        return np.sqrt(square)

    def scaled(self, spread: np.ndarray) -> FitInput:
        """Return the same with each feature divided by its spread, unless that is 0."""
        scale = np.where(spread > 0, spread, 1.0)
        design = self.data.design.scaled(1.0 / scale)
        means = None if self.side_means is None else self.side_means / scale
        data = replace(self.data, design=design)
        return replace(self, data=data, scale=scale, side_means=means)

    @property
    def scales(self) -> np.ndarray:
        """What the features were divided by, ones if by nothing, (n_features,)."""
        none = np.ones(self.data.design.n_features)
        return none if self.scale is None else self.scale

    def unscaled(self, W: np.ndarray) -> np.ndarray:
        """Return coefficients (..., n_features) in the units of X."""
        return W if self.scale is None else W / self.scale

    def masked(self, W: np.ndarray) -> np.ndarray:
        """Return coefficients (n_tasks, ..., n_features), zero for absent features.

        Those of classes that a task does not have stay NaN.
        """
        if self.present is None:
            return W
        present = self.present.T
        present = present if W.ndim == 2 else present[:, None]
        return np.where(present | np.isnan(W), W, 0.0)

    def intercepts(self, b: np.ndarray) -> np.ndarray:
        """Return the intercept of every task, (n_tasks,).

        A task without a best one has one that is far on its side; a model with one
        intercept gives it to all tasks.
        """
        b, left_out = np.broadcast_to(b, self.tasks.shape), self.side != 0
        b = np.where(left_out, far_intercept(self.side, self.n_samples), b)
        if self.side_offset is not None:
            b[left_out] -= self.side_offset
        return b

    def lent(self, W: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return models in which tasks left out have what the others share.

        Where the penalty gives such a task nothing, it takes the mean coefficients of
        the others, and its intercept is the one given at the mean of its rows.

        Parameters
        ----------
        W : ndarray of shape (n_features, n_tasks)
            Coefficients.
        b : ndarray of shape (n_tasks,)
            From :meth:`intercepts`.
        """
        if self.side_means is None:
            return W, b
        alone = np.flatnonzero(self.side)
        return lent(W, b, alone, self.side == 0, self.side_means, self.present)

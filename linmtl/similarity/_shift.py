"""How labels and features of each task are shifted against all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from linmtl.data._checks import check_count
from linmtl.data._labels import some
from linmtl.data._targets import missing_mask, read_labels
from linmtl.similarity._read import read_Xy

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class ShiftSummary:
    """How each task differs from all others together, in its labels and features.

    Parameters
    ----------
    tasks : ndarray of shape (n_tasks,)
        Task labels.
    n_samples : ndarray of shape (n_tasks,)
        Rows of each task with an observed label.
    label_mean : ndarray of shape (n_tasks,)
        Mean of y, or the rate of the second class.
    label_shift : ndarray of shape (n_tasks,)
        Standardised mean difference of y, or difference of the rates.
    label_kind : {"mean", "rate"}
        Which of the two.
    features : list of str
        Names of the features.
    feature_shift : ndarray of shape (n_tasks, n_features)
        Standardised mean differences of the features; NaN for a task of one row.
    """

    tasks: np.ndarray
    n_samples: np.ndarray
    label_mean: np.ndarray
    label_shift: np.ndarray
    label_kind: str
    features: list[str]
    feature_shift: np.ndarray

    def __repr__(self) -> str:
        d = len(self.features)
        return f"<ShiftSummary: {len(self.tasks)} tasks, {d} features>"

    @property
    def covariate_shift(self) -> np.ndarray:
        """Mean over the features of the absolute differences, (n_tasks,)."""
        return np.abs(self.feature_shift).mean(axis=1)

    def largest(self, task: Any, n_features: int = 3) -> list[tuple[str, float]]:
        """Return the features in which a task differs most.

        Parameters
        ----------
        task : str or number
            A task label.
        n_features : int, default=3
            How many.

        Returns
        -------
        list of (str, float)
            Names and standardised mean differences, the largest first; none for a task
            of one row.
        """
        check_count("n_features", n_features, 1)
        where = np.flatnonzero(self.tasks == task)
        if where.size == 0:
            raise ValueError(f"task is {task!r}; there are {some(self.tasks)}")
        shift = self.feature_shift[where[0]]
        order = np.argsort(-np.abs(shift), kind="stable")[:n_features]
        return [
            (self.features[k], float(shift[k])) for k in order if not np.isnan(shift[k])
        ]

    def to_frame(self, n_features: int = 3) -> pd.DataFrame:
        """Return a table with one row per task.

        Parameters
        ----------
        n_features : int, default=3
            How many of the features that differ most to name.

        Returns
        -------
        DataFrame
            Indexed by task: rows, mean and shift of the labels, mean absolute shift of
            the features, and those that differ most.
        """
        import pandas as pd

        named = [
            ", ".join(f"{k} ({v:+.2f})" for k, v in self.largest(task, n_features))
            for task in self.tasks
        ]
        return pd.DataFrame(
            {
                "n_samples": self.n_samples,
                f"label_{self.label_kind}": self.label_mean,
                "label_shift": self.label_shift,
                "covariate_shift": self.covariate_shift,
                "largest_features": named,
            },
            index=pd.Index(self.tasks.tolist(), name="task"),
        )


def shift_summary(X: Any, y: ArrayLike, tasks: ArrayLike | None = None) -> ShiftSummary:
    """Compare the labels and the features of each task with those of all others.

    A standardised mean difference is the difference of the means divided by
    ``sqrt((v_1 + v_2) / 2)``, with the variances within the task and within the rows of
    the others. It is infinite where neither varies and the means differ, and NaN for a
    task of one row, which has no variance (of two tasks, for both). y with two values
    is a class, whose rates are compared.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Samples.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Targets, or labels of two classes; NaN: not observed.
    tasks : array-like of shape (n_samples,), default=None
        The task label of each row; not for y with a column per task.

    Returns
    -------
    ShiftSummary
        Label shift and covariate shift; ``to_frame()`` is a table of them.

    References
    ----------
    Austin (2009), Balance diagnostics for comparing the distribution of baseline
    covariates between treatment groups.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.similarity import shift_summary
    >>> X = np.array([[0.0, 1.0], [2.0, 3.0], [0.0, 7.0], [2.0, 9.0]])
    >>> shift = shift_summary(X, [1.0, 2.0, 3.0, 4.0], ["a", "a", "b", "b"])
    >>> [(name, round(value, 2)) for name, value in shift.largest("b", 1)]
    [('x1', 4.24)]
    """
    if not hasattr(y, "columns"):  # an iterator can be read once only
        y = read_labels(y)
    labels = read_labels(y)
    classes = {*labels[~missing_mask(labels)].tolist()}
    if len(classes) == 2:
        data = read_Xy(X, y, tasks, "logistic")
        ys, kind = [(y_t > 0).astype(float) for y_t in data.y], "rate"
    elif labels.dtype.kind in "biuf":
        data = read_Xy(X, y, tasks, "squared")
        ys, kind = data.y, "mean"
    else:
        raise ValueError(
            f"y has {len(classes)} classes, {some(sorted(classes, key=str))}; pass "
            "numbers, or labels of two classes"
        )
    label_mean, label_shift = _against_rest([y_t[:, None] for y_t in ys])
    if kind == "rate":
        label_shift = label_mean - _mean_of_rest(ys)[:, None]
    _, feature_shift = _against_rest(data.X)
    return ShiftSummary(
        data.tasks,
        data.n_samples,
        label_mean[:, 0],
        label_shift[:, 0],
        kind,
        data.features,
        feature_shift,
    )


def _mean_of_rest(ys):
    size, total = np.array([len(y) for y in ys]), np.array([y.sum() for y in ys])
    return (total.sum() - total) / (size.sum() - size)


def _against_rest(parts):
    """Return the means of each task and their standardised differences to the rest."""
    size = np.array([len(part) for part in parts])[:, None].astype(float)
    shift = np.concatenate(parts).mean(axis=0)
    parts = [part - shift for part in parts]
    mean = np.array([part.mean(axis=0) for part in parts])
    within = np.array(
        [np.sum((p - m) ** 2, axis=0) for p, m in zip(parts, mean, strict=True)]
    )
    rest = size.sum() - size
    rest_mean = -size * mean / rest  # all rows together have the mean 0
    # squares about the mean of the rest: within its tasks, and between them
    between = np.sum(size * mean**2, axis=0) - size * mean**2 - rest * rest_mean**2
    rest_within = within.sum(axis=0) - within + np.maximum(between, 0.0)
    # a single row says nothing of a variance
    own_degrees, rest_degrees = (np.where(n > 1, n - 1, np.nan) for n in (size, rest))
    variance = within / own_degrees + rest_within / rest_degrees
    gap, spread = mean - rest_mean, np.sqrt(variance / 2)
    scale = np.abs(np.concatenate(parts)).max(axis=0)
    none = 1e-12 * scale  # rounding
    gap = np.where(np.abs(gap) > none, gap, 0.0)
    still = np.where(gap == 0.0, 0.0, np.copysign(np.inf, gap))
    varies = ~(spread <= none)  # or is not known
    return mean + shift, np.where(varies, gap / np.where(varies, spread, 1.0), still)

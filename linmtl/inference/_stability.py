"""Which features are chosen again and again: stability selection over tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from linmtl.data._checks import check_count, check_number
from linmtl.data._weights import read_sample_weight
from linmtl.estimators._base import MultiTaskModel
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.estimators._task_model import speaking_as
from linmtl.inference._bootstrap import feature_names
from linmtl.metrics._labels import read_labels
from linmtl.model_selection._jobs import run_jobs
from linmtl.path import mtl_path
from linmtl.penalties import L21

_STRENGTHS, _WEAKEST = 40, 0.01  # of the path, and where it ends


@dataclass(frozen=True, eq=False, repr=False)
class StableFeatures:
    """How often each feature is among the first on halves of the rows.

    Parameters
    ----------
    frequency : ndarray of shape (n_features,)
        Share of the halves in which a feature is among the first ``n_first``.
    selected : ndarray of bool of shape (n_features,)
        Those with a share of at least the threshold.
    threshold : float
        The share.
    n_first : int
        How many features each half may choose.
    max_false : float
        A bound on the expected number of features selected that do not matter.
    feature_names : ndarray of shape (n_features,)
        Names of the columns, ``x0``, ``x1``, ... where X has none.

    See Also
    --------
    stable_features : Makes them, with an example.
    """

    frequency: np.ndarray
    selected: np.ndarray
    threshold: float
    n_first: int
    max_false: float
    feature_names: np.ndarray

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.feature_names[self.selected][:8]))
        more = ", ..." if self.selected.sum() > 8 else ""
        return (
            f"<StableFeatures: {self.selected.sum()} of {self.selected.size} "
            f"({names}{more}), at most {self.max_false:g} of them false on average>"
        )

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row for each feature, the surest first.

        Returns
        -------
        DataFrame
            How often each was selected.
        """
        import pandas as pd

        frame = pd.DataFrame(
            {"frequency": self.frequency, "selected": self.selected},
            index=pd.Index(self.feature_names, name="feature"),
        )
        return frame.sort_values("frequency", ascending=False, kind="stable")


def stable_features(
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    offset: ArrayLike | None = None,
    max_false: float = 1.0,
    threshold: float = 0.75,
    n_pairs: int = 50,
    classify: bool = False,
    random_state: int | np.random.RandomState | None = 0,
    n_jobs: int | None = None,
) -> StableFeatures:
    """Select features that the tasks need together, with a bound on false ones.

    The rows of each task are split into halves many times; on each half an L21 path
    lets features in, and a feature that is among the first in most halves is selected.

    Parameters
    ----------
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Samples.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Targets, or labels of two classes, in any layout of the estimators.
    tasks : array-like of shape (n_samples,), default=None
        The task label of each row.
    offset : float or array-like of shape (n_samples,) or of y's shape, default=None
        A known part of the linear predictor, as for the estimators.
    max_false : float, default=1.0
        The expected number of features selected that do not matter is at most this.
    threshold : float, default=0.75
        The share of halves in which a feature has to be among the first, above 0.5.
    n_pairs : int, default=50
        How often the rows are split; there are twice as many halves.
    classify : bool, default=False
        Whether y holds labels of classes.
    random_state : int, RandomState instance or None, default=0
        Seed of the splits.
    n_jobs : int, default=None
        Halves at the same time, through joblib.

    Returns
    -------
    StableFeatures
        How often each feature was selected, and which are stable.

    Raises
    ------
    ValueError
        If an argument is not allowed, or if `max_false` is so small that no half could
        choose a feature.

    Notes
    -----
    Each half may choose the first ``q = sqrt((2 threshold - 1) max_false d)`` features
    of d. If those that do not matter are as likely to be chosen as each other, and no
    likelier than by guessing, at most ``q^2 / ((2 threshold - 1) d)`` of them are
    selected on average, which is `max_false`.

    References
    ----------
    Meinshausen, Buhlmann (2010), Stability selection.
    Shah, Samworth (2013), Variable selection with error control: another look at
    stability selection.

    Examples
    --------
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.inference import stable_features
    >>> X, y, tasks = make_multitask_regression(n_samples=40, random_state=0)
    >>> found = stable_features(X, y, tasks, n_pairs=10)
    >>> found.n_first
    3
    """
    max_false = check_number("max_false", max_false, 0.0, strict=True)
    threshold = check_number("threshold", threshold, 0.5, 1.0, strict=True)
    check_count("n_pairs", n_pairs)
    kind = MultiTaskClassifier if classify else MultiTaskRegressor
    reader: MultiTaskModel = speaking_as("stable_features", kind())
    given = reader._read_fit(X, y, tasks, None, offset, incomplete=True)
    d = given.data.design.n_features
    first = int(np.sqrt((2 * threshold - 1) * max_false * d))
    if first < 1:
        raise ValueError(
            f"max_false={max_false:g} of {d} features leaves each half no feature to "
            "choose; raise max_false or threshold"
        )
    labels = read_labels(y, tasks, None)
    weight = read_sample_weight(None, labels.shape)
    rng = check_random_state(random_state)
    halves = []
    for _ in range(n_pairs):
        one = _half(labels, given, y, classify, rng)
        halves += [one, ~one]
    loss = "logistic" if classify else "squared"
    jobs = [
        delayed(_first)(X, y, tasks, weight, offset, half, first, loss)
        for half in halves
    ]
    frequency = np.mean(run_jobs(jobs, n_jobs), axis=0)
    return StableFeatures(
        frequency=frequency,
        selected=frequency >= threshold,
        threshold=threshold,
        n_first=first,
        max_false=max_false,
        feature_names=feature_names([reader], d),
    )


def _half(labels, given, y, classify, rng) -> np.ndarray:
    """Return the mask of half of the rows, of each task and class."""
    n = given.n_rows
    half = np.zeros(n, dtype=bool)
    rows = [np.arange(n)] if given.layout == "wide" else labels.rows
    values = np.asarray(y)
    for mine in rows:
        mine = rng.permutation(mine)
        if classify and values.ndim == 1:
            mine = mine[np.argsort(values[mine].astype(str), kind="stable")]
        half[mine[rng.randint(2) :: 2]] = True
    return half


def _first(X, y, tasks, weight, offset, half, first, loss) -> np.ndarray:
    """Return the mask of the features that come first on a path."""
    times = half if weight.ndim == 1 else half[:, None]
    _, coefs, _ = mtl_path(
        X,
        y,
        tasks,
        sample_weight=weight * times,
        offset=offset,
        penalty=L21(),
        loss=loss,
        alphas=_STRENGTHS,
        eps=_WEAKEST,
        tol=1e-3,
    )
    inside = coefs.any(axis=0)  # (n_features, n_alphas)
    count = np.maximum.accumulate(inside, axis=1).sum(axis=0)
    last = np.flatnonzero(count <= first)[-1]
    return np.maximum.accumulate(inside, axis=1)[:, last]

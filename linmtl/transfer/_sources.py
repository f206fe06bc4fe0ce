"""Which other tasks are worth learning a target task from?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from linmtl.data._checks import check_number, is_whole
from linmtl.data._labels import as_task_labels, codes_of, some
from linmtl.estimators._pooled import PooledRegressor
from linmtl.estimators._task_model import TaskModel, require_task_model, speaking_as
from linmtl.model_selection import TaskKFold
from linmtl.transfer._rows import Rows

if TYPE_CHECKING:
    import pandas as pd

_MIN_SPREAD = 0.01  # of the target's loss: the least that counts as its spread


@dataclass(frozen=True, eq=False, repr=False)
class SourceDetection:
    """What :func:`detect_sources` finds.

    Parameters
    ----------
    target : label
        The target task.
    tasks : ndarray of shape (n_sources,)
        The other tasks.
    losses : ndarray of shape (n_folds, n_sources)
        Held-out loss of the target when it is learned with each of them; NaN for a
        task without usable rows.
    alone : ndarray of shape (n_folds,)
        Held-out loss of the target when it is learned alone.
    threshold : float
        Sources with a mean loss of at most this are kept.
    """

    target: Any
    tasks: np.ndarray
    losses: np.ndarray
    alone: np.ndarray
    threshold: float

    def __repr__(self) -> str:
        return (
            f"<SourceDetection: {self.sources.size} of {self.tasks.size} sources kept "
            f"for task {some([self.target])}>"
        )

    @property
    def loss(self) -> np.ndarray:
        """Mean of the losses over the folds, (n_sources,)."""
        return self.losses.mean(axis=0)

    @property
    def kept(self) -> np.ndarray:
        """Whether each task is a source worth using, (n_sources,)."""
        return self.loss <= self.threshold

    @property
    def sources(self) -> np.ndarray:
        """The tasks that are kept."""
        return self.tasks[self.kept]

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row per source, by label (needs pandas).

        Returns
        -------
        DataFrame of shape (n_sources, 3)
            The loss, the change of it against learning alone, and the verdict.
        """
        import pandas as pd

        columns = {
            "loss": self.loss,
            "change": self.loss - self.alone.mean(),
            "kept": self.kept,
        }
        return pd.DataFrame(columns, index=pd.Index(self.tasks.tolist(), name="task"))

    def __str__(self) -> str:
        names = f": {some(self.sources)}" if self.sources.size else ""
        return (
            f"{self.sources.size} of {self.tasks.size} sources kept for task "
            f"{some([self.target])}{names} (loss alone {self.alone.mean():.4g}, "
            f"threshold {self.threshold:.4g})"
        )


def detect_sources(
    estimator: TaskModel | None,
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    sample_weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    target: Any,
    margin: float = 2.0,
    cv: Any = 3,
    random_state: int | None = 0,
) -> SourceDetection:
    """Find the tasks that a target task can be learned with, without harm.

    A source is kept if learning it together with the target does not raise the
    target's cross-validated loss beyond a margin::

        mean loss with the source <= mean loss alone + margin * max(s, loss alone / 100)

    with s the standard deviation of the loss alone over the folds. Only rows of the
    target are held out.

    Parameters
    ----------
    estimator : estimator or None
        Any of linmtl's, fitted to the target alone and to each pair; None stands for
        ``PooledRegressor(task_intercepts=True)``.
    X, y, tasks, sample_weight
        Data in any layout with two tasks or more, as for the estimators.
    offset : float or array-like of shape (n_samples,) or of y's shape, default=None
        A known part of the linear predictor, as for the estimators.
    target : label
        The target task.
    margin : float, default=2.0
        How many standard deviations the loss may rise, >= 0.
    cv : int or splitter, default=3
        Folds of the target's rows.
    random_state : int or None, default=0
        Seed of a number of folds.

    Returns
    -------
    SourceDetection
        ``sources`` are the tasks kept, ``to_frame()`` is a table.

    Notes
    -----
    The rule of Trans-GLM, with 3 folds and C_0 = 2 as there. The paper's floor of s is
    0.01 whatever the unit of y; here it is a hundredth of the loss alone, so that the
    result does not depend on the unit. The loss is that of the estimator on the
    scale of reports: mean squared error, log loss, Poisson deviance.

    References
    ----------
    Tian, Feng (2023), Transfer learning under high-dimensional generalized linear
    models.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import PooledRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.transfer import detect_sources
    >>> X, y, tasks = make_multitask_regression(
    ...     n_tasks=5, structure="mean_deviation", deviation=0.1, random_state=0
    ... )
    >>> y = np.where(tasks == 4, -y, y)  # its opposite
    >>> model = PooledRegressor(task_intercepts=True)
    >>> found = detect_sources(model, X, y, tasks, target=0)
    >>> found.sources
    array([1, 2, 3])

    The target and the tasks kept, learned together:

    >>> use = np.isin(tasks, [found.target, *found.sources])
    >>> model = model.fit(X[use], y[use], tasks[use])
    """
    if estimator is None:
        pooled = PooledRegressor(task_intercepts=True)
        estimator = speaking_as("detect_sources", pooled)
    require_task_model("estimator", estimator)
    margin = check_number("margin", margin, 0.0)
    rows = Rows(estimator, X, y, tasks, sample_weight, offset)
    place = int(codes_of(as_task_labels([target], name="target"), rows.tasks)[0])
    if place < 0:
        raise ValueError(
            f"target is {target!r}, which is no task; the tasks are {some(rows.tasks)}"
        )
    others = np.delete(np.arange(len(rows.tasks)), place)
    if others.size == 0:
        raise ValueError("the data have one task; pass rows of others, the sources")
    if rows.n_samples[place] == 0:
        raise ValueError(
            f"the target {target!r} has a single class; there is nothing to learn"
        )
    tests = _folds(rows, place, cv, random_state)
    alone = np.empty(len(tests))
    losses = np.full((len(tests), others.size), np.nan)
    for r, test in enumerate(tests):
        alone[r] = rows.held_out_loss(clone(estimator), ~test, test, [place])[0]
        for k, source in enumerate(others):
            if rows.n_samples[source]:
                pair = [place, source]
                model = clone(estimator)
                losses[r, k] = rows.held_out_loss(model, ~test, test, pair)[0]
    spread = max(float(alone.std(ddof=1)), _MIN_SPREAD * float(alone.mean()))
    return SourceDetection(
        target=rows.tasks[place].item(),
        tasks=rows.tasks[others],
        losses=losses,
        alone=alone,
        threshold=float(alone.mean() + margin * spread),
    )


def _folds(rows, place, cv, random_state):
    """Return masks of the rows of the target that are held out."""
    own = np.flatnonzero(rows.code == place)
    if is_whole(cv):
        if cv < 2 or cv > own.size:
            raise ValueError(
                f"cv is {cv!r}; pass a number of folds from 2 to {own.size}, the rows "
                "of the target"
            )
        cv = TaskKFold(
            int(cv),
            shuffle=True,
            random_state=random_state,
            stratify=rows.classes is not None,
        )
    if isinstance(cv, str) or not hasattr(cv, "split"):
        raise ValueError(f"cv must be a number of folds or a splitter, got {cv!r}")
    tests = []
    for _, test in cv.split(np.zeros((own.size, 1)), rows.y[own]):
        mask = np.zeros(rows.code.size, dtype=bool)
        mask[own[test]] = True
        tests.append(mask)
    if len(tests) < 2:
        raise ValueError("cv must make at least 2 folds")
    return tests

"""Generators of multi-task problems whose coefficients are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from sklearn.utils import Bunch, check_random_state

from linmtl.data._checks import is_number, is_whole

Structure = Literal[
    "row_sparse", "low_rank", "clustered", "mean_deviation", "independent"
]
Layout = Literal["long", "wide"]
Sizes = int | tuple[int, int] | Sequence[int] | np.ndarray

_STRUCTURES = ("row_sparse", "low_rank", "clustered", "mean_deviation", "independent")
_LAYOUTS = ("long", "wide")


def make_multitask_regression(
    n_tasks: int = 10,
    n_features: int = 20,
    n_samples: Sizes = 50,
    *,
    structure: Structure = "row_sparse",
    n_informative: int = 5,
    rank: int = 2,
    n_clusters: int = 3,
    deviation: float = 0.3,
    noise: float = 1.0,
    correlation: float = 0.0,
    bias: float = 0.0,
    shared_X: bool = False,
    layout: Layout = "long",
    return_coef: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[Any, ...]:
    """Draw a multi-task regression problem with planted coefficients.

    Sample i of task t is ``y = x @ coef[t] + intercept[t] + noise * e`` with a
    standard normal e.

    Parameters
    ----------
    n_tasks : int, default=10
        Number of tasks.
    n_features : int, default=20
        Number of features.
    n_samples : int, tuple (low, high) or array-like of n_tasks ints, default=50
        Samples per task: the same for all; drawn uniformly from low to high, both
        included, for each task; or one size for each. A tuple is always a range:
        give the sizes of two tasks as a list.
    structure : str, default="row_sparse"
        What the tasks have in common, that is, how `coef` is drawn:

        "row_sparse"
            The same `n_informative` features, chosen at random, matter to every task;
            their coefficients are standard normal and all others are 0.
        "low_rank"
            Every task mixes the same `rank` directions. Entries have variance 1.
        "clustered"
            A task is one of `n_clusters` standard normal centres plus `deviation`
            times a standard normal vector. Clusters are as equal in size as possible.
        "mean_deviation"
            The same with one centre shared by all tasks.
        "independent"
            Nothing: standard normal entries.
    n_informative : int, default=5
        Number of relevant features; used by "row_sparse" only.
    rank : int, default=2
        Rank of the coefficients; used by "low_rank" only.
    n_clusters : int, default=3
        Number of clusters; used by "clustered" only.
    deviation : float, default=0.3
        Spread of tasks around their centre; used by "clustered" and "mean_deviation"
        only.
    noise : float, default=1.0
        Standard deviation of the noise.
    correlation : float, default=0.0
        Correlation of neighbouring features; that of features j and k is
        ``correlation ** abs(j - k)``. Features are standard normal.
    bias : float, default=0.0
        Standard deviation of the intercepts of the tasks.
    shared_X : bool, default=False
        If True, the tasks are observed on the same samples; `n_samples` must be an int.
    layout : {"long", "wide"}, default="long"
        "long" stacks the tasks, "wide" has one column of labels per task and needs
        ``shared_X=True``.
    return_coef : bool, default=False
        If True, also return the truth.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same data at every call.

    Returns
    -------
    X : ndarray of shape (n_total, n_features) or (n_samples, n_features)
        The features. The long layout has ``n_total = sum of the sizes`` rows, sorted by
        task, also with ``shared_X=True``.
    y : ndarray of shape (n_total,) or (n_samples, n_tasks)
        The labels.
    tasks : ndarray of shape (n_total,)
        Task of each row, an integer from 0 to ``n_tasks - 1``; only in the long layout.
    truth : :class:`~sklearn.utils.Bunch`
        With ``return_coef=True``. Entries `coef` (n_tasks, n_features), `intercept`
        (n_tasks,) and, depending on the structure, `support` (n_features,), boolean;
        `rank`, int; `labels` (n_tasks,), the clusters; `centers` (n_clusters or 1,
        n_features).

    Raises
    ------
    ValueError
        If a parameter has a value that is not allowed, or a wide layout is asked for
        without ``shared_X=True``.

    See Also
    --------
    make_multitask_classification : The same with binary labels.

    Examples
    --------
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks, truth = make_multitask_regression(
    ...     n_tasks=4, n_samples=(20, 40), return_coef=True, random_state=0
    ... )
    >>> X.shape[0] == y.shape[0] == tasks.shape[0]
    True
    >>> truth.coef.shape, int(truth.support.sum())
    ((4, 20), 5)
    >>> X, Y = make_multitask_regression(
    ...     n_tasks=4, shared_X=True, layout="wide", random_state=0
    ... )
    >>> X.shape, Y.shape
    ((50, 20), (50, 4))
    """
    _check_number("noise", noise, low=0.0)
    rng = check_random_state(random_state)
    X, eta, tasks, truth = _draw_predictor(
        rng,
        n_tasks,
        n_features,
        n_samples,
        structure=structure,
        n_informative=n_informative,
        rank=rank,
        n_clusters=n_clusters,
        deviation=deviation,
        correlation=correlation,
        bias=bias,
        shared_X=shared_X,
        layout=layout,
    )
    y = eta + noise * rng.standard_normal(eta.shape[0])
    return _arrange(X, y, tasks, truth, n_tasks, layout, return_coef)


def make_multitask_classification(
    n_tasks: int = 10,
    n_features: int = 20,
    n_samples: Sizes = 50,
    *,
    structure: Structure = "row_sparse",
    n_informative: int = 5,
    rank: int = 2,
    n_clusters: int = 3,
    deviation: float = 0.3,
    noise: float = 1.0,
    flip_y: float = 0.0,
    correlation: float = 0.0,
    bias: float = 0.0,
    shared_X: bool = False,
    layout: Layout = "long",
    return_coef: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[Any, ...]:
    """Draw a multi-task binary classification problem with planted coefficients.

    A label is 1 with probability ``1 / (1 + exp(-eta / noise))``, else 0, where
    ``eta = x @ coef[t] + intercept[t]`` in task t: a logistic model in each task.

    Parameters
    ----------
    n_tasks : int, default=10
        Number of tasks.
    n_features : int, default=20
        Number of features.
    n_samples : int, tuple (low, high) or array-like of n_tasks ints, default=50
        Samples per task, as in :func:`make_multitask_regression`.
    structure : str, default="row_sparse"
        "row_sparse", "low_rank", "clustered", "mean_deviation" or "independent", as in
        :func:`make_multitask_regression`.
    n_informative : int, default=5
        Number of relevant features; used by "row_sparse" only.
    rank : int, default=2
        Rank of the coefficients; used by "low_rank" only.
    n_clusters : int, default=3
        Number of clusters; used by "clustered" only.
    deviation : float, default=0.3
        Spread of tasks around their centre; used by "clustered" and "mean_deviation"
        only.
    noise : float, default=1.0
        Divides the margin: with 1 the true coefficients are `coef`, in general they are
        ``coef / noise``, and with 0 the label is 1 exactly where eta > 0.
    flip_y : float, default=0.0
        Probability with which a label is replaced by the other class afterwards.
    correlation : float, default=0.0
        Correlation of neighbouring features; that of features j and k is
        ``correlation ** abs(j - k)``.
    bias : float, default=0.0
        Standard deviation of the intercepts of the tasks; makes the classes unbalanced.
    shared_X : bool, default=False
        If True, the tasks are observed on the same samples; `n_samples` must be an int.
    layout : {"long", "wide"}, default="long"
        "long" stacks the tasks, "wide" has one column of labels per task and needs
        ``shared_X=True``.
    return_coef : bool, default=False
        If True, also return the truth.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same data at every call.

    Returns
    -------
    X : ndarray of shape (n_total, n_features) or (n_samples, n_features)
        The features, in the long layout sorted by task.
    y : ndarray of ints of shape (n_total,) or (n_samples, n_tasks)
        The labels, 0 or 1.
    tasks : ndarray of shape (n_total,)
        Task of each row, an integer from 0 to ``n_tasks - 1``; only in the long layout.
    truth : :class:`~sklearn.utils.Bunch`
        With ``return_coef=True``; see :func:`make_multitask_regression`.

    Raises
    ------
    ValueError
        If a parameter has a value that is not allowed, or a wide layout is asked for
        without ``shared_X=True``.

    See Also
    --------
    make_multitask_regression : The same with real labels.

    Notes
    -----
    Every task with two samples or more has both classes: where the draw gave a single
    one, the sample for which the other class is likeliest changes to it.

    Examples
    --------
    >>> from linmtl.datasets import make_multitask_classification
    >>> X, y, tasks = make_multitask_classification(
    ...     n_tasks=3, n_samples=[10, 20, 30], random_state=0
    ... )
    >>> X.shape, sorted(set(y.tolist()))
    ((60, 20), [0, 1])
    """
    _check_number("noise", noise, low=0.0)
    _check_number("flip_y", flip_y, low=0.0, high=1.0)
    rng = check_random_state(random_state)
    X, eta, tasks, truth = _draw_predictor(
        rng,
        n_tasks,
        n_features,
        n_samples,
        structure=structure,
        n_informative=n_informative,
        rank=rank,
        n_clusters=n_clusters,
        deviation=deviation,
        correlation=correlation,
        bias=bias,
        shared_X=shared_X,
        layout=layout,
    )
    # Logistic noise on the predictor is the same model as a Bernoulli draw from the
    # sigmoid, and unlike eta / noise it is defined for noise=0.
    y = (eta + noise * rng.logistic(size=eta.shape[0]) > 0).astype(np.int64)
    y = np.where(rng.uniform(size=y.shape[0]) < flip_y, 1 - y, y)
    for task in range(n_tasks):
        rows = np.flatnonzero(tasks == task)
        present = y[rows[0]]
        if rows.shape[0] >= 2 and np.all(y[rows] == present):
            margin = eta[rows] if present == 1 else -eta[rows]
            y[rows[np.argmin(margin)]] = 1 - present
    return _arrange(X, y, tasks, truth, n_tasks, layout, return_coef)


def _draw_predictor(
    rng: np.random.RandomState,
    n_tasks: int,
    n_features: int,
    n_samples: Sizes,
    *,
    structure: str,
    n_informative: int,
    rank: int,
    n_clusters: int,
    deviation: float,
    correlation: float,
    bias: float,
    shared_X: bool,
    layout: str,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Bunch]:
    _check_count("n_tasks", n_tasks)
    _check_count("n_features", n_features)
    _check_choice("structure", structure, _STRUCTURES)
    _check_choice("layout", layout, _LAYOUTS)
    _check_number("correlation", correlation, low=-1.0, high=1.0, inclusive=False)
    _check_number("bias", bias, low=0.0)
    if layout == "wide" and not shared_X:
        raise ValueError(
            "layout='wide' needs the same samples in every task, but shared_X=False; "
            "pass shared_X=True, or layout='long'"
        )
    if shared_X and not is_whole(n_samples):
        raise ValueError(
            f"shared_X=True has the same samples in every task, but "
            f"n_samples={n_samples!r}; pass n_samples as one integer, or "
            "shared_X=False for tasks of different sizes"
        )

    truth = _draw_coef(
        rng, n_tasks, n_features, structure, n_informative, rank, n_clusters, deviation
    )
    truth.intercept = bias * rng.standard_normal(n_tasks)
    sizes = _draw_sizes(rng, n_samples, n_tasks)
    tasks = np.repeat(np.arange(n_tasks), sizes)
    if shared_X:
        X = np.tile(_draw_design(rng, sizes[0], n_features, correlation), (n_tasks, 1))
    else:
        X = _draw_design(rng, int(sizes.sum()), n_features, correlation)
    eta = np.empty(X.shape[0])
    for task in range(n_tasks):
        rows = tasks == task
        eta[rows] = X[rows] @ truth.coef[task] + truth.intercept[task]
    return X, eta, tasks, truth


def _draw_coef(
    rng: np.random.RandomState,
    n_tasks: int,
    n_features: int,
    structure: str,
    n_informative: int,
    rank: int,
    n_clusters: int,
    deviation: float,
) -> Bunch:
    shape = (n_tasks, n_features)
    if structure == "independent":
        return Bunch(coef=rng.standard_normal(shape))
    if structure == "row_sparse":
        _check_count("n_informative", n_informative, high=n_features, of="n_features")
        support = np.zeros(n_features, dtype=bool)
        support[rng.permutation(n_features)[:n_informative]] = True
        coef = np.zeros(shape)
        coef[:, support] = rng.standard_normal((n_tasks, n_informative))
        return Bunch(coef=coef, support=support)
    if structure == "low_rank":
        _check_count("rank", rank, high=min(shape), of="min(n_tasks, n_features)")
        left = rng.standard_normal((n_tasks, rank))
        right = rng.standard_normal((rank, n_features))
        return Bunch(coef=left @ right / np.sqrt(rank), rank=int(rank))

    _check_number("deviation", deviation, low=0.0)
    if structure == "clustered":
        _check_count("n_clusters", n_clusters, high=n_tasks, of="n_tasks")
        labels = rng.permutation(np.arange(n_tasks) % n_clusters)
        centers = rng.standard_normal((n_clusters, n_features))
        coef = centers[labels] + deviation * rng.standard_normal(shape)
        return Bunch(coef=coef, labels=labels, centers=centers)
    centers = rng.standard_normal((1, n_features))
    return Bunch(coef=centers + deviation * rng.standard_normal(shape), centers=centers)


def _draw_sizes(
    rng: np.random.RandomState, n_samples: Sizes, n_tasks: int
) -> np.ndarray:
    if is_whole(n_samples):
        _check_count("n_samples", n_samples)
        return np.full(n_tasks, n_samples, dtype=np.int64)
    if isinstance(n_samples, tuple):
        if (
            len(n_samples) != 2
            or not all(is_whole(size) for size in n_samples)
            or not 1 <= n_samples[0] <= n_samples[1]
        ):
            raise ValueError(
                f"n_samples={n_samples!r} is a tuple but not a range; pass (low, high) "
                "with integers 1 <= low <= high, or the sizes of the tasks as a list"
            )
        low, high = n_samples
        return rng.randint(low, high + 1, size=n_tasks).astype(np.int64)
    sizes = np.asarray(n_samples)
    if (
        sizes.shape != (n_tasks,)
        or not np.issubdtype(sizes.dtype, np.integer)
        or sizes.min() < 1
    ):
        raise ValueError(
            f"n_samples={n_samples!r} does not give the sizes of n_tasks={n_tasks} "
            "tasks; pass an integer >= 1, a tuple (low, high), or a list of "
            f"{n_tasks} integers >= 1"
        )
    return sizes.astype(np.int64)


def _draw_design(
    rng: np.random.RandomState, n_rows: int, n_features: int, correlation: float
) -> np.ndarray:
    X = rng.standard_normal((n_rows, n_features))
    if correlation != 0.0:
        # The innovations are shrunk so that every feature keeps variance 1.
        shrink = np.sqrt(1.0 - correlation**2)
        for j in range(1, n_features):
            X[:, j] = correlation * X[:, j - 1] + shrink * X[:, j]
    return X


def _arrange(
    X: np.ndarray,
    y: np.ndarray,
    tasks: np.ndarray,
    truth: Bunch,
    n_tasks: int,
    layout: str,
    return_coef: bool,
) -> tuple[Any, ...]:
    extra = (truth,) if return_coef else ()
    if layout == "wide":
        n_rows = X.shape[0] // n_tasks
        return X[:n_rows].copy(), y.reshape(n_tasks, n_rows).T.copy(), *extra
    return X, y, tasks, *extra


def _check_count(name: str, value: Any, high: int | None = None, of: str = "") -> None:
    if is_whole(value) and value >= 1 and (high is None or value <= high):
        return
    allowed = "an integer >= 1" if high is None else f"an integer from 1 to {of}={high}"
    mend = "pass e.g. 1" if high is None else f"lower {name} or raise {of}"
    raise ValueError(
        f"{name}={value!r} is not allowed: {name} must be {allowed}; {mend}"
    )


def _check_number(
    name: str,
    value: Any,
    low: float,
    high: float = np.inf,
    inclusive: bool = True,
) -> None:
    if is_number(value) and np.isfinite(value):
        if inclusive and low <= value <= high:
            return
        if not inclusive and low < value < high:
            return
    sign = "<=" if inclusive else "<"
    bounds = f"{low:g} {sign} {name}"
    if np.isfinite(high):
        bounds += f" {sign} {high:g}"
    raise ValueError(f"{name}={value!r} is not allowed: pass a number with {bounds}")


def _check_choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(
            f"{name}={value!r} is not known; pass one of "
            + ", ".join(repr(choice) for choice in allowed)
        )

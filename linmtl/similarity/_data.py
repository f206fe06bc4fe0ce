"""Which tasks belong together, by the distribution of their rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist, pdist
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.utils import check_random_state

from linmtl.data._checks import check_choice, check_count, check_number
from linmtl.losses import Logistic, newton
from linmtl.similarity._read import TaskData, median_of, read_X
from linmtl.similarity._result import TaskMatrix, symmetric

# the median heuristic looks at so many rows, blocks of matrices have so many entries
_MAX_MEDIAN_ROWS = 2000
_MAX_ENTRIES = 4_000_000


def mmd(
    X: Any,
    tasks: ArrayLike,
    *,
    gamma: float | None = None,
    n_permutations: int = 0,
    random_state: Any = None,
) -> TaskMatrix:
    """Estimate how far apart the distributions of X are: maximum mean discrepancy.

    The unbiased estimate of MMD^2 with the kernel ``exp(-gamma ||x - x'||^2)``, the
    same for all pairs of tasks. Being unbiased it can be negative for tasks that are
    alike. Features count as they are scaled: standardise them first.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Samples, at least two per task.
    tasks : array-like of shape (n_samples,)
        The task label of each row.
    gamma : float, default=None
        Inverse width of the kernel, > 0. None is 1 / the median squared distance of two
        rows of any tasks (beyond 2000 rows, of 2000 evenly spaced ones).
    n_permutations : int, default=0
        Number of random exchanges of rows between two tasks for p-values; 0 for none.
    random_state : int, RandomState or None, default=None
        Seed of the exchanges.

    Returns
    -------
    TaskMatrix
        Distances, 0 on the diagonal; with p-values of equal distributions where
        ``n_permutations`` is not 0.

    References
    ----------
    Gretton, Borgwardt, Rasch, Schölkopf, Smola (2012), A kernel two-sample test.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.similarity import mmd
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(150, 2))
    >>> X[100:] += 2.0
    >>> tasks = np.repeat(["a", "b", "c"], 50)
    >>> far = mmd(X, tasks, n_permutations=99, random_state=0)
    >>> far.p_values[0].round(2)[[0, 2]]
    array([1.  , 0.01])
    """
    if gamma is not None:
        gamma = check_number("gamma", gamma, 0.0, strict=True)
    n_permutations = check_count("n_permutations", n_permutations, 0)
    data = read_X(X, tasks)
    data.require_rows(2, "mmd", "drop these tasks")
    data = _centred(data)
    if gamma is None:
        gamma = 1.0 / median_of(_squared_distances(np.asarray(X, dtype=np.float64)))
    T, size = len(data.tasks), data.n_samples
    sums = _kernel_sums(data, gamma)
    within = (np.diag(sums) - size) / (size * (size - 1.0))
    values = within[:, None] + within - 2.0 * sums / np.outer(size, size)
    p_values = None
    if n_permutations:
        rng = check_random_state(random_state)
        p_values = np.ones((T, T))
        for i in range(T):
            for j in range(i + 1, T):
                p = _exchange(data.X[i], data.X[j], gamma, n_permutations, rng)
                p_values[i, j] = p_values[j, i] = p
    return TaskMatrix(
        symmetric(values, 0.0), data.tasks, "distance", "MMD^2", p_values=p_values
    )


def _centred(data: TaskData) -> TaskData:
    """Shift all rows alike, so that squares of distances lose no digits."""
    shift = np.mean([X.mean(axis=0) for X in data.X], axis=0)
    return replace(data, X=[X - shift for X in data.X])


def _sorted(data: TaskData) -> TaskData:
    """Sort the rows of each task, by the last feature first."""
    return replace(data, X=[X[np.lexsort(X.T)] for X in data.X])


def _squared_distances(X):
    rows = np.linspace(0, len(X) - 1, min(len(X), _MAX_MEDIAN_ROWS)).astype(int)
    return pdist(X[rows], "sqeuclidean")


def _rbf(X, Z, gamma):
    square = np.sum(X**2, axis=1)[:, None] + np.sum(Z**2, axis=1)
    square -= 2.0 * (X @ Z.T)
    np.maximum(square, 0.0, out=square)
    square *= -gamma
    return np.exp(square, out=square)


def _kernel_sums(data, gamma):
    """Return the sum of the kernel over all pairs of rows of each two tasks."""
    size = data.n_samples
    start = np.cumsum(size) - size
    stacked = np.concatenate(data.X)
    sums = np.zeros((len(size), len(size)))
    for i, X in enumerate(data.X):
        rest = stacked[start[i] :]
        step = max(1, _MAX_ENTRIES // len(rest))
        for a in range(0, len(X), step):
            column = _rbf(X[a : a + step], rest, gamma).sum(axis=0)
            sums[i, i:] += np.add.reduceat(column, start[i:] - start[i])
    upper = np.triu(sums, 1)
    # rounding aside, the kernel of a row with itself is 1
    return upper + upper.T + np.diag(np.diag(sums))


def _exchange(X, Z, gamma, n_permutations, rng):
    """Return the p-value of equal distributions by exchange of rows."""
    n, m = len(X), len(X) + len(Z)
    both = np.concatenate([X, Z])
    K = _rbf(both, both, gamma)
    np.fill_diagonal(K, 0.0)
    row, total = K.sum(axis=1), float(K.sum())
    largest, above = None, 1
    step = max(1, _MAX_ENTRIES // m)
    first = np.zeros((1, m))
    first[0, :n] = 1.0
    blocks: list[np.ndarray] = [first]
    for a in range(0, n_permutations, step):
        count = min(step, n_permutations - a)
        keys = rng.random_sample((count, m))
        chosen = np.argpartition(keys, n - 1, axis=1)[:, :n]
        block = np.zeros((count, m))
        np.put_along_axis(block, chosen, 1.0, axis=1)
        blocks.append(block)
    for block in blocks:
        own = np.sum((block @ K) * block, axis=1)
        reach = block @ row
        between = reach - own
        other = total - own - 2.0 * between
        q = m - n
        value = own / (n * (n - 1)) + other / (q * (q - 1)) - 2 * between / (n * q)
        if largest is None:
            # rounding must not make the same groups larger or smaller
            largest = value[0] - 1e-12 * max(1.0, abs(value[0]))
        else:
            above += int(np.sum(value >= largest))
    return above / (n_permutations + 1)


def proxy_a_distance(
    X: Any,
    tasks: ArrayLike,
    *,
    cv: int = 5,
    C: float = 1.0,
    random_state: Any = None,
) -> TaskMatrix:
    """Measure how well a linear classifier tells the rows of two tasks apart.

    ``2 (1 - 2 error)``, at least 0: 0 for tasks that cannot be told apart, 2 for tasks
    that can without error. The error is that of logistic regression with a ridge
    penalty, held out by cross-validation, the mean of the errors on the two tasks; the
    tasks weigh the same, whatever their sizes. Features are standardised over the rows
    of the two tasks. The order of the rows does not matter: folds are drawn for the
    sorted rows of each task.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Samples, at least `cv` per task.
    tasks : array-like of shape (n_samples,)
        The task label of each row.
    cv : int, default=5
        Number of folds, within tasks.
    C : float, default=1.0
        Inverse strength of the penalty as in scikit-learn's ``LogisticRegression``.
    random_state : int, RandomState or None, default=None
        Seed of the folds.

    Returns
    -------
    TaskMatrix
        Distances from 0 to 2, with standard errors (binomial; they are too small where
        few rows are left out).

    References
    ----------
    Ben-David, Blitzer, Crammer, Pereira (2006), Analysis of representations for domain
    adaptation.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.similarity import proxy_a_distance
    >>> X = np.concatenate([np.arange(10.0), np.arange(10.0) + 20])[:, None]
    >>> proxy_a_distance(X, np.repeat(["a", "b"], 10), random_state=0).values
    array([[0., 2.],
           [2., 0.]])
    """
    cv = check_count("cv", cv, 2)
    C = check_number("C", C, 0.0, strict=True)
    data = _centred(_sorted(read_X(X, tasks)))
    data.require_rows(cv, f"proxy_a_distance with cv={cv}", "lower cv or drop them")
    rng = check_random_state(random_state)
    # folds of the sizes that differ least, drawn once per task
    folds = [rng.permutation(np.arange(n) % cv) for n in data.n_samples]
    ridge = np.full(data.X[0].shape[1] + 1, 1.0 / C)
    ridge[-1] = 0.0
    T = len(data.tasks)
    values, errors = np.zeros((T, T)), np.zeros((T, T))
    for i in range(T):
        for j in range(i + 1, T):
            wrong = _held_out_errors(
                data.X[i], data.X[j], np.concatenate([folds[i], folds[j]]), cv, ridge
            )
            variance = sum(e.var() / e.size for e in wrong) / 4
            error = sum(e.mean() for e in wrong) / 2
            values[i, j] = values[j, i] = max(2.0 * (1.0 - 2.0 * error), 0.0)
            errors[i, j] = errors[j, i] = 4.0 * np.sqrt(variance)
    return TaskMatrix(
        values, data.tasks, "distance", "proxy A-distance", standard_errors=errors
    )


def _held_out_errors(X, Z, fold, cv, ridge):
    """Return for each row of both tasks 1.0 if told wrong, and 0.5 if undecided."""
    both = np.concatenate([X, Z])
    both = both - both.mean(axis=0)
    deviation = both.std(axis=0)
    tiny = 1e-12 * np.abs(both).max(axis=0)
    both /= np.where(deviation > tiny, deviation, np.inf)
    both = np.column_stack([both, np.ones(len(both))])
    y = np.repeat([1.0, -1.0], [len(X), len(Z)])
    train = (fold != np.arange(cv)[:, None]).astype(float)
    weight = train.copy()
    for side in (y > 0, y < 0):
        share = train.sum(axis=1) / (2.0 * train[:, side].sum(axis=1))
        weight[:, side] *= share[:, None]
    # from the solution for all rows the folds are one or two steps away
    whole = np.where(y > 0, len(both) / (2.0 * len(X)), len(both) / (2.0 * len(Z)))
    problem = {"ridge": ridge, "offset": np.zeros(len(both)), "close": 1e-2}
    start, _ = newton(Logistic(), both, y, whole[None], **problem)
    w, _ = newton(Logistic(), both, y, weight, start=start, **problem)
    margin = y * np.sum(both * w[fold], axis=1)
    wrong = np.where(np.abs(margin) < 1e-9, 0.5, (margin < 0.0).astype(float))
    return wrong[: len(X)], wrong[len(X) :]


def coral_distance(X: Any, tasks: ArrayLike) -> TaskMatrix:
    """Compare the covariances of X: ``||C_i - C_j||_F^2 / (4 d^2)``.

    Features count as they are scaled: standardise them first. The covariances of all
    tasks are held at once.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Samples, at least two per task.
    tasks : array-like of shape (n_samples,)
        The task label of each row.

    Returns
    -------
    TaskMatrix
        Distances.

    References
    ----------
    Sun, Saenko (2016), Deep CORAL: correlation alignment for deep domain adaptation.

    Examples
    --------
    >>> from linmtl.similarity import coral_distance
    >>> X = [[-1.0], [1.0], [-2.0], [2.0]]
    >>> coral_distance(X, ["a", "a", "b", "b"]).values  # variances 2 and 8
    array([[0., 9.],
           [9., 0.]])
    """
    data = read_X(X, tasks)
    data.require_rows(2, "coral_distance", "drop these tasks")
    d = data.X[0].shape[1]
    flat = np.array([np.cov(X_t.T).ravel() for X_t in data.X])
    values = cdist(flat, flat, "sqeuclidean") / (4.0 * d**2)
    return TaskMatrix(symmetric(values, 0.0), data.tasks, "distance", "CORAL")


def bures_distance(
    X: Any, tasks: ArrayLike, *, shrinkage: float | str = "ledoit_wolf"
) -> TaskMatrix:
    """Compare the means and covariances of X: Wasserstein distance of Gaussian fits.

    The root of ``||m_i - m_j||^2 + tr(C_i + C_j - 2 (C_i^1/2 C_j C_i^1/2)^1/2)``, the
    2-Wasserstein distance between Gaussians with the means and covariances of the
    tasks. Features count as they are scaled: standardise them first.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Samples, at least two per task.
    tasks : array-like of shape (n_samples,)
        The task label of each row.
    shrinkage : float or "ledoit_wolf", default="ledoit_wolf"
        Share s, from 0 to 1, of each covariance that is replaced:
        ``(1 - s) C + s tr(C)/d I``. By Ledoit and Wolf's rule it is chosen for each
        task; with few rows for the number of features covariances need it.

    Returns
    -------
    TaskMatrix
        Distances, in the unit of X.

    References
    ----------
    Bhatia, Jain, Lim (2019), On the Bures-Wasserstein distance between positive
    definite matrices.
    Ledoit, Wolf (2004), A well-conditioned estimator for large-dimensional covariance
    matrices.

    Examples
    --------
    >>> from linmtl.similarity import bures_distance
    >>> X = [[-1.0], [1.0], [2.0], [4.0]]
    >>> bures_distance(X, ["a", "a", "b", "b"]).values  # the means differ by 3
    array([[0., 3.],
           [3., 0.]])
    """
    if isinstance(shrinkage, str):
        check_choice("shrinkage", shrinkage, ("ledoit_wolf",))
    elif check_number("shrinkage", shrinkage, 0.0) > 1:
        raise ValueError(f"shrinkage must be a number from 0 to 1, got {shrinkage!r}")
    data = read_X(X, tasks)
    data.require_rows(2, "bures_distance", "drop these tasks")
    d, T = data.X[0].shape[1], len(data.tasks)
    means = np.array([X_t.mean(axis=0) for X_t in data.X])
    roots = np.array([_root_of_covariance(X_t, shrinkage) for X_t in data.X])
    values = cdist(means, means, "sqeuclidean")
    step = max(1, _MAX_ENTRIES // d**2)
    for i in range(T):
        for a in range(i + 1, T, step):
            others = roots[a : a + step]
            # the least ||A - B U||_F over orthogonal U, without the cancellation of
            # the formula with traces
            U, _, Vt = np.linalg.svd(others @ roots[i])
            gap = roots[i] - others @ (U @ Vt)
            values[i, a : a + step] += np.sum(gap**2, axis=(1, 2))
    values = np.triu(values, 1)
    return TaskMatrix(
        np.sqrt(values + values.T), data.tasks, "distance", "Bures-Wasserstein"
    )


def _root_of_covariance(X, shrinkage):
    d = X.shape[1]
    C = np.cov(X.T).reshape(d, d)
    if isinstance(shrinkage, str):
        # scikit-learn divides by zero where nothing varies
        shrinkage = ledoit_wolf_shrinkage(X) if np.any(np.diag(C) > 0) else 0.0
    C = (1.0 - shrinkage) * C + shrinkage * np.trace(C) / d * np.eye(d)
    eigenvalue, Q = np.linalg.eigh(C)
    return (Q * np.sqrt(np.maximum(eigenvalue, 0.0))) @ Q.T

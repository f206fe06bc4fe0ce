"""Which tasks belong together, by their data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist, pdist
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.utils import check_random_state

from linmtl._tasks import some
from linmtl._validation import _missing, _read_labels
from linmtl.similarity._newton import logistic_newton
from linmtl.similarity._read import (
    TaskData,
    check_choice,
    check_count,
    check_number,
    median_of,
    read_X,
    read_Xy,
)
from linmtl.similarity._result import TaskMatrix, symmetric

if TYPE_CHECKING:
    import pandas as pd

# the median heuristic looks at so many rows, blocks of matrices have so many entries
_MEDIAN_ROWS = 2000
_BLOCK = 4_000_000


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
        Of the kernel, > 0. None is 1 / the median squared distance between two rows of
        any tasks (beyond 2000 rows, of 2000 evenly spaced ones).
    n_permutations : int, default=0
        Number of random exchanges of rows between two tasks for p-values; 0 for none.
    random_state : int, RandomState or None, default=None
        Of the exchanges.

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
    return TaskData(data.tasks, [X - shift for X in data.X], data.y, data.features)


def _squared_distances(X):
    rows = np.linspace(0, len(X) - 1, min(len(X), _MEDIAN_ROWS)).astype(int)
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
        step = max(1, _BLOCK // len(rest))
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
    step = max(1, _BLOCK // m)
    first = np.zeros((1, m))
    first[0, :n] = 1.0
    blocks = [first]
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
    of the two tasks.

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
        Of the folds.

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
    data = _centred(read_X(X, tasks))
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
    """Return 1.0 for rows told wrong, 0.5 for undecided ones, of both tasks."""
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
    start, _ = logistic_newton(both, y, whole[None], **problem)
    w, _ = logistic_newton(both, y, weight, start=start, **problem)
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
    step = max(1, _BLOCK // d**2)
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
        Standardised mean differences of the features.
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
            Names and standardised mean differences, the largest first.
        """
        check_count("n_features", n_features, 1)
        where = np.flatnonzero(self.tasks == task)
        if where.size == 0:
            raise ValueError(f"task is {task!r}; there are {some(self.tasks)}")
        shift = self.feature_shift[where[0]]
        order = np.argsort(-np.abs(shift), kind="stable")[:n_features]
        return [(self.features[k], float(shift[k])) for k in order]

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
    the others. It is infinite where neither varies and the means differ. y with two
    values is a class, whose rates are compared.

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
        y = _read_labels(y)
    labels = _read_labels(y)
    classes = {*labels[~_missing(labels)].tolist()}
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
    variance = within / np.maximum(size - 1, 1) + rest_within / np.maximum(rest - 1, 1)
    gap, spread = mean - rest_mean, np.sqrt(variance / 2)
    scale = np.abs(np.concatenate(parts)).max(axis=0)
    none = 1e-12 * scale  # rounding
    gap = np.where(np.abs(gap) > none, gap, 0.0)
    still = np.where(gap == 0.0, 0.0, np.copysign(np.inf, gap))
    varies = spread > none
    return mean + shift, np.where(varies, gap / np.where(varies, spread, 1.0), still)

"""The test of whether two matrices over the tasks agree."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.utils import check_random_state

from linmtl.data._checks import check_choice, check_count
from linmtl.data._labels import some
from linmtl.similarity._result import TaskMatrix, labels_of


class MantelResult(NamedTuple):
    """The correlation of two matrices, and the p-value of no correlation.

    Parameters
    ----------
    correlation : float
        Of the entries off the diagonal.
    p_value : float
        Share of permutations with a correlation as far from zero.
    """

    correlation: float
    p_value: float


def mantel(
    a: TaskMatrix | ArrayLike,
    b: TaskMatrix | ArrayLike,
    *,
    method: str = "pearson",
    alternative: str = "two-sided",
    n_permutations: int = 999,
    random_state: Any = None,
) -> MantelResult:
    """Test whether two matrices over the same tasks are correlated.

    The correlation of their entries off the diagonal (one of each pair where both are
    symmetric), with a p-value by permutation of the tasks of one of them: entries that
    share a task are not independent. A distance and a similarity that agree have a
    negative correlation.

    Parameters
    ----------
    a, b : TaskMatrix, DataFrame or array-like of shape (n_tasks, n_tasks)
        The matrices, finite. A TaskMatrix and a DataFrame have task labels: two such
        are matched by label, and must have the same tasks. An array follows the order
        of the other.
    method : {"pearson", "spearman"}, default="pearson"
        Correlation of the values or of their ranks.
    alternative : {"two-sided", "greater", "less"}, default="two-sided"
        The correlations that speak against none.
    n_permutations : int, default=999
        Number of random permutations.
    random_state : int, RandomState or None, default=None
        Seed of the permutations.

    Returns
    -------
    MantelResult
        ``correlation`` and ``p_value``.

    References
    ----------
    Mantel (1967), The detection of disease clustering and a generalized regression
    approach.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.similarity import mantel
    >>> place = np.arange(8.0)
    >>> near = abs(place[:, None] - place)
    >>> test = mantel(near, near**2, random_state=0)
    >>> test.correlation > 0.9, test.p_value < 0.05
    (True, True)
    """
    check_choice("method", method, ("pearson", "spearman"))
    check_choice("alternative", alternative, ("two-sided", "greater", "less"))
    n_permutations = check_count("n_permutations", n_permutations, 1)
    ours, theirs = labels_of(a, "a"), labels_of(b, "b")
    A, B = _square(a, "a"), _square(b, "b")
    if ours is not None and theirs is not None:
        differ = np.setxor1d(ours, theirs)
        if differ.size:
            raise ValueError(
                f"only one of the matrices has the tasks {some(differ)}; select common "
                "ones with reorder(), or loc of a DataFrame"
            )
        B = TaskMatrix(B, theirs, "similarity", directed=True).reorder(ours).values
    T = len(A)
    if A.shape != B.shape or T < 3:
        raise ValueError(
            f"a has shape {A.shape} and b {B.shape}; pass matrices over the same "
            "tasks, at least three"
        )
    both = np.array_equal(A, A.T) and np.array_equal(B, B.T)
    used = np.triu_indices(T, 1) if both else np.nonzero(~np.eye(T, dtype=bool))
    x = _standard(A[used], method, "a")
    Y = np.zeros((T, T))
    Y[used] = _standard(B[used], method, "b")
    if both:
        Y += Y.T
    observed = float(np.clip(x @ Y[used], -1.0, 1.0))
    rng = check_random_state(random_state)
    drawn = np.empty(n_permutations)
    for k in range(n_permutations):
        order = rng.permutation(T)
        drawn[k] = x @ Y[order[used[0]], order[used[1]]]
    # rounding must not make the same arrangement larger or smaller
    if alternative == "two-sided":
        above = np.abs(drawn) >= abs(observed) - 1e-12
    else:
        sign = 1.0 if alternative == "greater" else -1.0
        above = sign * drawn >= sign * observed - 1e-12
    return MantelResult(observed, (1 + int(above.sum())) / (n_permutations + 1))


def _square(matrix, name):
    array = np.asarray(matrix, dtype=np.float64)
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise ValueError(
            f"{name} has shape {array.shape}; pass a TaskMatrix, a DataFrame or an "
            "array of shape (n_tasks, n_tasks)"
        )
    if not np.all(np.isfinite(array[~np.eye(len(array), dtype=bool)])):
        raise ValueError(f"{name} contains NaN or infinity; mantel needs finite values")
    return array


def _standard(values, method, name):
    """Centre and scale to length 1."""
    if method == "spearman":
        values = stats.rankdata(values)
    centred = values - values.mean()
    length = np.linalg.norm(centred)
    if length <= 1e-14 * np.sqrt(values.size) * np.abs(values).max():
        raise ValueError(
            f"the entries of {name} off the diagonal are all equal, so that it has no "
            "correlation with another matrix"
        )
    return centred / length

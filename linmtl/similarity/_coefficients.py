"""Which tasks belong together, by the models fitted to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from scipy.spatial.distance import cdist
from sklearn.base import is_classifier
from sklearn.utils import check_array

from linmtl._tasks import codes_of, some
from linmtl.losses import Logistic
from linmtl.penalties import TaskRelationship
from linmtl.similarity._read import (
    TaskData,
    check_choice,
    check_count,
    check_number,
    read_coefficients,
    read_X,
    read_Xy,
    rows_of,
)
from linmtl.similarity._result import TaskMatrix, as_distinct_labels, symmetric


def coefficient_similarity(
    model: Any,
    metric: str = "cosine",
    *,
    tasks: ArrayLike | None = None,
    threshold: float = 0.0,
) -> TaskMatrix:
    """Compare the coefficients of the tasks.

    Cosine and correlation depend on the scale of the features: fit on standardised
    ones, or use :func:`prediction_disagreement`.

    Parameters
    ----------
    model : estimator, DataFrame or array-like of shape (n_tasks, n_features)
        A fitted model with ``coef_`` and ``tasks_``, or coefficients; the index of a
        DataFrame has the task labels.
    metric : {"cosine", "correlation", "jaccard"}, default="cosine"
        ``"cosine"`` of the angle between the coefficients; their Pearson
        ``"correlation"`` over the features; ``"jaccard"``, the part of the features
        used by either task that both use.
    tasks : array-like of shape (n_tasks,), default=None
        Task labels of the rows of an array; 0, 1, ... by default.
    threshold : float, default=0.0
        For ``"jaccard"``: a feature is used where its coefficient is larger than this.

    Returns
    -------
    TaskMatrix
        Similarities, 1 on the diagonal. A task without a direction (all coefficients
        zero, or for the correlation all equal) has 0 with every other; two tasks that
        use no feature have the Jaccard similarity 1.

    See Also
    --------
    task_correlation : The correlation in the sense of a learned task covariance.

    Examples
    --------
    >>> from linmtl.similarity import coefficient_similarity
    >>> coef = [[1.0, 0.0, 2.0], [2.0, 0.0, 4.0], [0.0, 3.0, 1.0]]
    >>> coefficient_similarity(coef, "jaccard", tasks=["a", "b", "c"]).to_frame()
              a         b         c
    a  1.000000  1.000000  0.333333
    b  1.000000  1.000000  0.333333
    c  0.333333  0.333333  1.000000
    """
    check_choice("metric", metric, ("cosine", "correlation", "jaccard"))
    threshold = check_number("threshold", threshold, 0.0)
    coef, labels = read_coefficients(model, tasks)
    if metric == "jaccard":
        used = (np.abs(coef) > threshold).astype(float)
        both = used @ used.T
        either = used.sum(axis=1)[:, None] + used.sum(axis=1) - both
        values = np.divide(both, either, out=np.ones_like(both), where=either > 0)
    else:
        directions = _unit_rows(coef, centre=metric == "correlation")
        values = np.clip(directions @ directions.T, -1.0, 1.0)
    return TaskMatrix(symmetric(values, 1.0), labels, "similarity", metric)


def _unit_rows(coef, centre):
    """Scale rows to length 1; rows that are zero up to rounding stay zero."""
    largest = np.abs(coef).max(axis=1, keepdims=True)
    rows = np.divide(coef, largest, out=np.zeros_like(coef), where=largest > 0)
    if centre:
        rows = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    cutoff = 4 * np.sqrt(coef.shape[1]) * np.finfo(float).eps
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > cutoff)


def task_covariance(model: Any, *, tasks: ArrayLike | None = None) -> TaskMatrix:
    """Estimate the covariance of the tasks that their coefficients suggest.

    ``Omega = (W'W)^(1/2) / tr (W'W)^(1/2)`` with W of shape (n_features, n_tasks):
    among covariances of trace 1 the one that makes ``tr(W Omega^-1 W')`` smallest.

    Parameters
    ----------
    model : estimator, DataFrame or array-like of shape (n_tasks, n_features)
        A fitted model with ``coef_`` and ``tasks_``, or coefficients; the index of a
        DataFrame has the task labels.
    tasks : array-like of shape (n_tasks,), default=None
        Task labels of the rows of an array; 0, 1, ... by default.

    Returns
    -------
    TaskMatrix
        Covariances, of trace 1. Where all coefficients are zero any are as good, and
        it is the identity divided by the number of tasks.

    See Also
    --------
    linmtl.penalties.TaskRelationship : Learns the covariance with the coefficients.

    References
    ----------
    Zhang, Yeung (2010), A convex formulation for learning task relationships in
    multi-task learning.

    Examples
    --------
    >>> from linmtl.similarity import task_covariance
    >>> task_covariance([[3.0, 0.0], [0.0, 1.0]]).values
    array([[0.75, 0.  ],
           [0.  , 0.25]])
    """
    covariance, _, labels = _relationship(model, tasks)
    return TaskMatrix(covariance, labels, "covariance", "task covariance")


def task_correlation(model: Any, *, tasks: ArrayLike | None = None) -> TaskMatrix:
    """Scale the covariance of :func:`task_covariance` to correlations.

    Parameters
    ----------
    model : estimator, DataFrame or array-like of shape (n_tasks, n_features)
        A fitted model with ``coef_`` and ``tasks_``, or coefficients; the index of a
        DataFrame has the task labels.
    tasks : array-like of shape (n_tasks,), default=None
        Task labels of the rows of an array; 0, 1, ... by default.

    Returns
    -------
    TaskMatrix
        Similarities, 1 on the diagonal; 0 with a task whose coefficients are all zero.

    References
    ----------
    Zhang, Yeung (2010), A convex formulation for learning task relationships in
    multi-task learning.

    Examples
    --------
    >>> from linmtl.similarity import task_correlation
    >>> task_correlation([[1.0, 2.0], [2.0, 4.0], [2.0, -1.0]]).values.round(3) + 0.0
    array([[1., 1., 0.],
           [1., 1., 0.],
           [0., 0., 1.]])
    """
    _, correlation, labels = _relationship(model, tasks)
    return TaskMatrix(correlation, labels, "similarity", "task correlation")


def _relationship(model, tasks):
    coef, labels = read_coefficients(model, tasks)
    scale = np.abs(coef).max()
    if scale > 0:  # the scale cancels; this way squares cannot overflow
        coef = coef / scale
    fitted = TaskRelationship().fitted_attributes(coef.T, {}, labels)
    covariance = fitted["task_covariance_"]
    correlation = fitted["task_correlation_"]
    return (covariance + covariance.T) / 2, symmetric(correlation, 1.0), labels


def prediction_disagreement(
    model: Any,
    X: Any,
    tasks: ArrayLike | None = None,
    *,
    covariance: str = "pooled",
) -> TaskMatrix:
    """Measure how differently the models of two tasks predict.

    ``(w_i - w_j)' S (w_i - w_j)`` with the covariance S of X: the variance over the
    rows of the difference of the two predictions. Intercepts do not matter, the scale
    of the features neither.

    Parameters
    ----------
    model : estimator, DataFrame or array-like of shape (n_tasks, n_features)
        A fitted model with ``coef_`` and ``tasks_``, or coefficients; the index of a
        DataFrame has the task labels. Rows of an array are the sorted labels of
        `tasks`, or 0, 1, ... without.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Samples; with the task column where the model was fitted with ``task_column``.
    tasks : array-like of shape (n_samples,), default=None
        The task label of each row. Not needed for ``covariance="pooled"``.
    covariance : {"pooled", "within", "per_task"}, default="pooled"
        Of all rows about their mean; of all rows about the mean of their task; or for
        each pair the mean of the covariances within the two tasks.

    Returns
    -------
    TaskMatrix
        Distances (of the unit of y squared; of log odds squared for a classifier).

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.similarity import prediction_disagreement
    >>> X = np.array([[1.0, 0.0], [-1.0, 0.0]])
    >>> prediction_disagreement([[1.0, 2.0], [4.0, 2.0]], X).values
    array([[0., 9.],
           [9., 0.]])
    """
    check_choice("covariance", covariance, ("pooled", "within", "per_task"))
    X, tasks = rows_of(model, X, tasks)
    if covariance == "pooled":
        X = check_array(X, dtype=np.float64, input_name="X")
        own = None if tasks is None else np.unique(read_X(X, tasks).tasks)
        coef, labels = _with_rows(model, own)
        parts = [X - X.mean(axis=0)]
    else:
        if tasks is None:
            raise ValueError(
                f"tasks is None but covariance={covariance!r} needs one task label "
                "per row; pass tasks, or covariance='pooled'"
            )
        data = read_X(X, tasks)
        coef, labels = _with_rows(model, data.tasks)
        parts = [data.X[k] for k in _places(labels, data.tasks)]
        parts = [part - part.mean(axis=0) for part in parts]
        if covariance == "within":
            parts = [np.concatenate(parts)]
    if parts[0].shape[1] != coef.shape[1]:
        raise ValueError(
            f"X has {parts[0].shape[1]} features but the model has {coef.shape[1]}; "
            "pass the features that it was fitted on"
        )
    values = np.empty((len(labels), len(labels)))
    if covariance != "per_task":
        Z = coef @ _root(parts[0]).T
        values = cdist(Z, Z, "sqeuclidean")
    else:
        for t, part in enumerate(parts):
            Z = coef @ _root(part).T
            values[t] = np.sum((Z - Z[t]) ** 2, axis=1)
    name = "prediction disagreement"
    return TaskMatrix(symmetric(values, 0.0), labels, "distance", name)


def _root(X):
    """Return an R with ``R'R = X'X / n_samples`` and as few rows as that needs."""
    R = linalg.qr(X, mode="r")[0][: X.shape[1]] if X.shape[0] > X.shape[1] else X
    return R / np.sqrt(X.shape[0])


def _with_rows(model, tasks):
    """Read coefficients whose labels, where they have none, are those of the rows."""
    has_labels = hasattr(model, "fit") or hasattr(model, "columns")
    return read_coefficients(model, None if has_labels else tasks)


def _places(labels, present):
    """Return where the tasks of a model stand among those of the data."""
    place = codes_of(labels, present)
    if np.any(place < 0):
        raise ValueError(
            f"the data have no rows of the tasks {some(labels[place < 0])}; pass rows "
            "of every task of the model"
        )
    extra = np.setdiff1d(present, labels)
    if extra.size:
        raise ValueError(
            f"tasks has the labels {some(extra)}, which the model does not know; drop "
            "their rows"
        )
    return place


def excess_risk(
    model: Any,
    X: Any,
    y: ArrayLike,
    tasks: ArrayLike | None = None,
    *,
    loss: str | None = None,
    refit_intercept: bool = True,
) -> TaskMatrix:
    """Measure what it costs a task to use the model of another.

    Entry (i, j) is ``L_j(w_i) - L_j(w_j)``, with L_j the mean loss over the rows of
    task j: how much worse the model of task i does there than that of task j itself.
    On rows that the models were not fitted on it can be negative: then the other model
    is the better one.

    Parameters
    ----------
    model : estimator, DataFrame or array-like of shape (n_tasks, n_features)
        A fitted model with ``coef_`` and ``tasks_``, or coefficients; the index of a
        DataFrame has the task labels. Rows of an array are the sorted labels of
        `tasks`.
    X : array-like or DataFrame of shape (n_samples, n_features)
        Samples; with the task column where the model was fitted with ``task_column``.
    y : array-like of shape (n_samples,) or (n_samples, n_tasks)
        Targets, or labels of two classes; NaN: not observed.
    tasks : array-like of shape (n_samples,), default=None
        The task label of each row; not for y with a column per task.
    loss : {"squared", "logistic"}, default=None
        ``(y - eta)^2 / 2`` or ``log(1 + exp(-y eta))``; None is the logistic loss for
        a classifier and the squared loss for anything else.
    refit_intercept : bool, default=True
        Whether every model gets the intercept that is best on the rows of task j, so
        that only coefficients are compared. False takes the intercepts of the model.

    Returns
    -------
    TaskMatrix
        Directed distances, 0 on the diagonal, with standard errors (of the mean of the
        differences over the rows; NaN for a task with one row).

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.similarity import excess_risk
    >>> X, y = np.array([[-1.0], [1.0], [-1.0], [1.0]]), [-1.0, 1.0, -3.0, 3.0]
    >>> excess_risk([[1.0], [3.0]], X, y, tasks=["a", "a", "b", "b"]).values
    array([[0., 2.],
           [2., 0.]])
    """
    check_choice("loss", loss, (None, "squared", "logistic"))
    check_choice("refit_intercept", refit_intercept, (True, False))
    if loss is None:
        estimator = hasattr(model, "fit")
        loss = "logistic" if estimator and is_classifier(model) else "squared"
    X, tasks = rows_of(model, X, tasks)
    data = read_Xy(X, y, tasks, loss)
    coef, labels = _with_rows(model, data.tasks)
    order = _places(labels, data.tasks)
    if data.X[0].shape[1] != coef.shape[1]:
        raise ValueError(
            f"X has {data.X[0].shape[1]} features but the model has {coef.shape[1]}; "
            "pass the features that it was fitted on"
        )
    intercept = None
    if not refit_intercept:
        if not hasattr(model, "intercept_"):
            raise ValueError(
                "refit_intercept=False needs a model with intercept_; pass a fitted "
                "estimator"
            )
        intercept = np.broadcast_to(model.intercept_, labels.shape)
    elif loss == "logistic":
        _require_both_classes(data)
    alone = np.array([len(y) < 2 for y in data.y])
    if refit_intercept and alone.any():
        raise ValueError(
            f"the tasks {some(data.tasks[alone])} have one row, which any model fits "
            "with an intercept of its own; drop them, or pass refit_intercept=False"
        )
    T = len(labels)
    values, errors = np.zeros((T, T)), np.zeros((T, T))
    for j, place in enumerate(order):
        X_j, y_j = data.X[place], data.y[place]
        losses = _losses(coef @ X_j.T, y_j, loss, intercept)
        difference = losses - losses[j]
        values[:, j] = difference.mean(axis=1)
        n = len(y_j)
        errors[:, j] = difference.std(axis=1, ddof=1) / np.sqrt(n) if n > 1 else np.nan
    np.fill_diagonal(errors, 0.0)
    return TaskMatrix(
        values, labels, "distance", "excess risk", True, standard_errors=errors
    )


def _losses(eta, y, loss, intercept):
    """Return the loss of each row by each model, (n_tasks, n_samples_j)."""
    if loss == "squared":
        residual = y - eta
        if intercept is None:
            residual -= residual.mean(axis=1, keepdims=True)
        else:
            residual -= intercept[:, None]
        return residual**2 / 2
    if intercept is None:
        intercept = _best_intercepts(eta, y)
    return np.logaddexp(0.0, -y * (eta + intercept[:, None]))


def _best_intercepts(eta, y):
    """Return the best intercept of each model: to the loss, models are tasks."""
    T, n = eta.shape
    b = np.zeros(T)
    Logistic().residual(
        np.tile(y, T),
        np.ascontiguousarray(eta).ravel(),
        np.full(T * n, 1.0 / n),
        np.arange(0, T * n + 1, n, dtype=np.int64),
        np.ones(T),
        True,
        b,
        np.empty(T * n),
        np.empty(T),
    )
    return b


def _require_both_classes(data: TaskData) -> None:
    single = np.array([np.ptp(y) == 0 for y in data.y])
    if single.any():
        raise ValueError(
            f"the tasks {some(data.tasks[single])} have only 1 class, for which there "
            "is no best intercept; drop them, or pass refit_intercept=False"
        )


def data_subspaces(
    X: Any, tasks: ArrayLike, n_components: int
) -> dict[Any, np.ndarray]:
    """Find the subspace in which the rows of each task vary most.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, n_features)
        Samples.
    tasks : array-like of shape (n_samples,)
        The task label of each row.
    n_components : int
        Dimension of the subspaces.

    Returns
    -------
    dict of task label -> ndarray of shape (n_features, n_components)
        The first right singular vectors of the centred rows of each task, for
        :func:`subspace_similarity`.

    Examples
    --------
    >>> from linmtl.similarity import data_subspaces
    >>> X = [[1.0, 0.0], [3.0, 0.0], [0.0, 1.0], [0.0, 2.0]]
    >>> abs(data_subspaces(X, ["a", "a", "b", "b"], 1)["b"]).ravel()
    array([0., 1.])
    """
    k = check_count("n_components", n_components, 1)
    data = read_X(X, tasks)
    bases = {}
    for label, X_t in zip(data.tasks.tolist(), data.X, strict=True):
        _, s, Vt = np.linalg.svd(X_t - X_t.mean(axis=0), full_matrices=False)
        rank = _rank(s, X_t.shape)
        if rank < k:
            raise ValueError(
                f"n_components is {k} but the rows of task {label!r} vary in {rank} "
                "directions only; pass fewer components, or drop the task"
            )
        bases[label] = Vt[:k].T
    return bases


def _rank(s, shape):
    return int(np.sum(s > s[0] * max(shape) * np.finfo(float).eps)) if s.size else 0


def subspace_similarity(
    models_or_bases: Any,
    *,
    measure: str = "projection",
    n_components: int | None = None,
    tasks: ArrayLike | None = None,
) -> TaskMatrix:
    """Compare subspaces of the features by the angles between them.

    The subspaces can be those of groups of tasks (a fitted model each: what its
    coefficients span) or of single tasks (a basis each, for instance from
    :func:`data_subspaces`). Between subspaces of dimensions k and l there are
    min(k, l) principal angles, all 0 where one contains the other.

    Parameters
    ----------
    models_or_bases : sequence or dict of models or of arrays of shape \
(n_features, n_components_t)
        Fitted multi-task models, or arrays whose columns span the subspaces. Keys of a
        dict are the labels.
    measure : {"projection", "largest_angle", "geodesic"}, default="projection"
        The mean of the squared cosines of the angles, a similarity from 0 to 1; the
        largest angle, or the root of the sum of their squares, distances in radians.
    n_components : int, default=None
        Dimension of the subspaces: the first left singular vectors. None is all that
        the columns span.
    tasks : array-like of labels, default=None
        Labels for a sequence; 0, 1, ... by default.

    Returns
    -------
    TaskMatrix
        Similarities, 1 on the diagonal, or distances, 0 there.

    References
    ----------
    Björck, Golub (1973), Numerical methods for computing angles between linear
    subspaces.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl.similarity import subspace_similarity
    >>> bases = {"a": np.eye(3)[:, :2], "b": np.eye(3)[:, 1:]}
    >>> subspace_similarity(bases).values
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    check_choice("measure", measure, ("projection", "largest_angle", "geodesic"))
    k = None if n_components is None else check_count("n_components", n_components, 1)
    if isinstance(models_or_bases, Mapping):
        if tasks is not None:
            raise ValueError(
                "tasks is for sequences; the keys of a dict are the labels"
            )
        tasks, members = list(models_or_bases), list(models_or_bases.values())
    else:
        members = list(models_or_bases)
    labels = as_distinct_labels(range(len(members)) if tasks is None else tasks)
    if len(labels) != len(members) or len(members) < 2:
        raise ValueError(
            f"there are {len(members)} subspaces and {len(labels)} labels; pass at "
            "least two subspaces and a label for each"
        )
    bases = [
        _orthonormal(member, k, label)
        for member, label in zip(members, labels.tolist(), strict=True)
    ]
    widths = {basis.shape[0] for basis in bases}
    if len(widths) > 1:
        raise ValueError(
            f"the subspaces are of spaces of {some(sorted(widths))} features; all must "
            "have the same features"
        )
    size = np.array([basis.shape[1] for basis in bases])
    if measure == "projection":
        stacked = np.concatenate(bases, axis=1)
        start = np.cumsum(size) - size
        square = (stacked.T @ stacked) ** 2
        square = np.add.reduceat(np.add.reduceat(square, start, axis=0), start, axis=1)
        values = np.clip(square / np.minimum(size[:, None], size), 0.0, 1.0)
        return TaskMatrix(symmetric(values, 1.0), labels, "similarity", measure)
    values = np.zeros((len(bases), len(bases)))
    for i, first in enumerate(bases):
        for j in range(i):
            angles = linalg.subspace_angles(first, bases[j])
            values[i, j] = (
                np.sqrt(angles @ angles) if measure == "geodesic" else angles[0]
            )
    name = measure.replace("_", " ")
    return TaskMatrix(values + values.T, labels, "distance", name)


def _orthonormal(member, k, label):
    """Return an orthonormal basis of what a model or an array of columns spans."""
    columns = member
    if hasattr(member, "fit"):
        columns = read_coefficients(member)[0].T
    columns = np.asarray(columns)
    if columns.dtype.kind not in "biuf" or columns.ndim != 2:
        raise ValueError(
            f"the subspace of {label!r} has shape {columns.shape} and dtype "
            f"{columns.dtype}; pass numbers of shape (n_features, n_components), or a "
            "fitted multi-task model"
        )
    if not np.all(np.isfinite(columns)):
        raise ValueError(f"the subspace of {label!r} contains NaN or infinity")
    U, s, _ = np.linalg.svd(columns, full_matrices=False)
    rank = _rank(s, columns.shape)
    if rank < (k or 1):
        raise ValueError(
            f"the columns of {label!r} span {rank} dimensions but {k or 1} are wanted; "
            "pass fewer components, or drop it"
        )
    return U[:, : k or rank]

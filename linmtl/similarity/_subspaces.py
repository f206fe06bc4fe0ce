"""Subspaces of the features that tasks use, and the angles between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from linmtl.data._checks import check_choice, check_count
from linmtl.data._labels import some
from linmtl.similarity._read import read_coefficients, read_X
from linmtl.similarity._result import TaskMatrix, as_distinct_labels, symmetric


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

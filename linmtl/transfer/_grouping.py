"""Groups of tasks that are learned together, each group apart from the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import silhouette_score

from linmtl._tasks import is_dataframe, some
from linmtl._validation import read_task_weight
from linmtl.estimators._base import Classifier, MultiTaskModel, Regressor
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.estimators._independent import IndependentClassifier, IndependentRegressor
from linmtl.similarity._coefficients import coefficient_similarity
from linmtl.similarity._read import check_choice, check_count, median_of
from linmtl.similarity._result import TaskMatrix, as_distinct_labels
from linmtl.transfer._gain import transfer_gain
from linmtl.transfer._safe import (
    Combined,
    documented,
    linear,
    observation_losses,
)

_RULES = ("eigengap", "silhouette", "cv")
_KINDS = ("similarity", "distance")
_SPREAD = 2.0  # a distance of the median makes an affinity of exp(-2)


class TaskGrouper(BaseEstimator):
    """Find groups of tasks in a matrix of similarities or distances.

    Parameters
    ----------
    n_groups : int or {"eigengap", "silhouette", "cv"}, default="eigengap"
        The number of groups. ``"eigengap"``: where the eigenvalues of the normalised
        Laplacian of the affinities, in increasing order, make their largest step;
        one group, and every task on its own, are possible outcomes. ``"silhouette"``:
        at least two groups, with the largest mean silhouette. ``"cv"``: for
        `GroupedMultiTaskRegressor` or its classifier, which have data to judge by.
    method : {"spectral", "hierarchical"}, default="spectral"
        Spectral clustering of the affinities (k-means on the leading eigenvectors,
        rows of length 1), or average linkage on the distances.
    kind : {"similarity", "distance"}, default="similarity"
        What the numbers of an array are; a `TaskMatrix` says it itself.
    max_groups : int, default=10
        The largest number of groups to consider.
    random_state : int, RandomState instance or None, default=0
        For the starts of k-means.

    Attributes
    ----------
    labels_ : ndarray of shape (n_tasks,)
        The group of each task, numbered in the order in which they appear.
    n_groups_ : int
        The number of groups.
    groups_ : dict of int -> list
        The tasks of each group.
    tasks_ : ndarray of shape (n_tasks,)
        Task labels.
    affinity_ : ndarray of shape (n_tasks, n_tasks)
        Affinities from 0 to 1.
    eigenvalues_ : ndarray of shape (n_tasks,)
        Eigenvalues of the normalised Laplacian, increasing.
    silhouettes_ : dict of int -> float
        The mean silhouette by number of groups; only with ``n_groups="silhouette"``.

    Notes
    -----
    Entries (i, j) and (j, i) are replaced by their mean. Negative similarities and
    gains count as 0, and so does what is NaN in both directions. Affinities are:

    * similarities divided by the roots of the two diagonal entries and squared, 1 at
      most: of a cosine, the variance that one task explains of the other;
    * gains, and a matrix with a zero diagonal, divided by the largest entry;
    * of distances ``exp(-2 (d / median)^2)``.

    Average linkage and silhouettes use distances as they are, and for the others 1 less
    the affinity.

    References
    ----------
    Ng, Jordan, Weiss (2001), On spectral clustering: analysis and an algorithm.
    von Luxburg (2007), A tutorial on spectral clustering.
    Rousseeuw (1987), Silhouettes: a graphical aid to the interpretation and validation
    of cluster analysis.

    Examples
    --------
    >>> from linmtl.transfer import TaskGrouper
    >>> near = [[1.0, 0.9, 0.1], [0.9, 1.0, 0.0], [0.1, 0.0, 1.0]]
    >>> TaskGrouper().fit(near).labels_
    array([0, 0, 1])
    """

    def __init__(
        self,
        n_groups: int | str = "eigengap",
        *,
        method: str = "spectral",
        kind: str = "similarity",
        max_groups: int = 10,
        random_state: Any = 0,
    ):
        self.n_groups = n_groups
        self.method = method
        self.kind = kind
        self.max_groups = max_groups
        self.random_state = random_state

    def fit(self, similarity: TaskMatrix | ArrayLike, y: Any = None) -> TaskGrouper:
        """Find the groups.

        Parameters
        ----------
        similarity : TaskMatrix, DataFrame or array-like of shape (n_tasks, n_tasks)
            A number for each pair of tasks.
        y : object
            Ignored.

        Returns
        -------
        self : object
            The fitted grouper.
        """
        self._check()
        if isinstance(self.n_groups, str) and self.n_groups == "cv":
            raise ValueError(
                "n_groups='cv' needs data to judge by; pass this grouper to "
                "GroupedMultiTaskRegressor or GroupedMultiTaskClassifier, or use "
                "'eigengap', 'silhouette' or a number"
            )
        affinity, distance, tasks = _read_pairs(similarity, self.kind)
        T = len(tasks)
        laplacian = _laplacian(affinity)
        values, vectors = np.linalg.eigh(laplacian)
        if hasattr(self, "silhouettes_"):
            del self.silhouettes_  # of an earlier fit
        most = min(int(self.max_groups), T)
        if self.n_groups == "eigengap":
            k = _eigengap(values, most)
            labels = self._labels(k, vectors, distance)
        elif self.n_groups == "silhouette":
            labels = self._by_silhouette(most, vectors, distance)
        else:
            if self.n_groups > T:
                raise ValueError(
                    f"n_groups is {self.n_groups} but there are {T} tasks; pass at "
                    "most as many groups as tasks"
                )
            labels = self._labels(int(self.n_groups), vectors, distance)
        self.labels_ = labels
        self.n_groups_ = int(labels.max()) + 1
        self.tasks_ = tasks
        self.groups_ = {g: tasks[labels == g].tolist() for g in range(self.n_groups_)}
        self.affinity_ = affinity
        self.eigenvalues_ = values
        return self

    def fit_predict(
        self, similarity: TaskMatrix | ArrayLike, y: Any = None
    ) -> np.ndarray:
        """Find the groups and return the group of each task.

        Parameters
        ----------
        similarity : TaskMatrix, DataFrame or array-like of shape (n_tasks, n_tasks)
            A number for each pair of tasks.
        y : object
            Ignored.

        Returns
        -------
        ndarray of shape (n_tasks,)
            ``labels_``.
        """
        return self.fit(similarity).labels_

    def _check(self) -> None:
        n = self.n_groups
        if isinstance(n, str):
            check_choice("n_groups", n, _RULES)
        else:
            check_count("n_groups", n, 1)
        check_choice("method", self.method, ("spectral", "hierarchical"))
        check_choice("kind", self.kind, _KINDS)
        check_count("max_groups", self.max_groups, 1)

    def _labels(self, k, vectors, distance):
        """Return the labels of k groups, numbered in order of appearance."""
        T = len(distance)
        if k == 1 or k == T:
            return np.arange(T) if k == T else np.zeros(T, dtype=int)
        if self.method == "hierarchical":
            tree = AgglomerativeClustering(k, metric="precomputed", linkage="average")
            return in_order(tree.fit(distance).labels_)
        rows = vectors[:, :k]
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.where(length > 0, length, 1.0)
        means = KMeans(k, n_init=10, random_state=self.random_state)
        return in_order(means.fit(rows).labels_)

    def _by_silhouette(self, most, vectors, distance):
        T = len(distance)
        found = {}
        for k in range(2, min(most, T - 1) + 1):
            labels = self._labels(k, vectors, distance)
            if labels.max() > 0:
                score = silhouette_score(distance, labels, metric="precomputed")
                found[k] = (float(score), labels)
        self.silhouettes_ = {k: score for k, (score, _) in found.items()}
        if not found:  # two tasks, or fewer, have no silhouette
            return np.zeros(T, dtype=int)
        return max(found.values(), key=lambda pair: pair[0])[1]


def in_order(labels: np.ndarray) -> np.ndarray:
    """Number groups in the order in which they appear."""
    _, first, code = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[code]


def _read_pairs(similarity, kind):
    """Return affinities from 0 to 1, distances, and task labels."""
    if isinstance(similarity, TaskMatrix):
        values, tasks, kind = similarity.values, similarity.tasks, similarity.kind
        if kind == "p-value":
            raise ValueError(
                "similarity holds p-values, which say how sure a difference is, not "
                "how large; pass a TaskMatrix of similarities, distances or gains"
            )
    else:
        tasks = None
        if is_dataframe(similarity) and hasattr(similarity, "index"):
            tasks = as_distinct_labels(list(similarity.index))
            if list(similarity.columns) != list(similarity.index):
                raise ValueError(
                    "similarity has other columns than rows; pass a DataFrame with "
                    "the same task labels, in the same order, on both sides"
                )
        values = np.asarray(similarity)
    if (
        values.dtype.kind not in "biuf"
        or values.ndim != 2
        or (values.shape[0] != values.shape[1] or values.size == 0)
    ):
        raise ValueError(
            f"similarity has shape {values.shape} and dtype {values.dtype}; pass "
            "numbers of shape (n_tasks, n_tasks)"
        )
    values = values.astype(float)
    tasks = np.arange(len(values)) if tasks is None else tasks
    if np.any(np.isposinf(values)) or (kind == "distance" and np.any(values < 0)):
        raise ValueError(
            "similarity has infinite values"
            if np.any(np.isposinf(values))
            else "similarity holds distances, but some are negative"
        )
    values = np.maximum(values, 0.0)  # NaN stays
    values = np.where(np.isnan(values), values.T, values)
    values = (values + values.T) / 2
    own = np.eye(len(values), dtype=bool)
    if kind == "distance":
        values = np.where(own, 0.0, values)
        scale = median_of(values[~own])
        affinity = np.exp(-_SPREAD * np.square(values / scale))
        affinity = np.where(np.isnan(affinity), 0.0, affinity)
        largest = np.nanmax(values)
        return affinity, np.where(np.isnan(values), largest, values), tasks
    values = np.where(np.isnan(values), 0.0, values)
    if kind in ("gain", "adjacency") or not np.any(values.diagonal()):
        largest = values[~own].max(initial=0.0)
        affinity = values / (largest if largest > 0 else 1.0)
    else:
        size = np.where(values.diagonal() > 0, values.diagonal(), 1.0)
        # squared: a cosine of 0.3 between unrelated tasks is nothing unusual
        affinity = np.minimum(values**2 / (size[:, None] * size), 1.0)
    affinity[own] = 1.0
    return affinity, 1.0 - affinity, tasks


def _laplacian(affinity):
    root = np.sqrt(affinity.sum(axis=1))
    laplacian = np.eye(len(affinity)) - affinity / (root[:, None] * root)
    return (laplacian + laplacian.T) / 2


def _eigengap(values, most):
    """Return the number of eigenvalues before the largest step, `most` at most.

    After the last one a step to 1 is counted: with no affinity at all every eigenvalue
    is 0, and every task a group.
    """
    steps = np.diff(np.append(values, 1.0))[:most]
    # of equal steps the last: tasks that have nothing in common are kept apart
    return int(np.flatnonzero(steps >= steps.max() - 1e-9)[-1]) + 1


class _Grouped(Combined):
    """Fit an estimator to each group of tasks."""

    def __init__(
        self,
        estimator: MultiTaskModel | None = None,
        grouper: TaskGrouper | None = None,
        *,
        similarity: str | Callable[..., Any] | TaskMatrix | ArrayLike = "coefficients",
        groups: Mapping[Any, Any] | ArrayLike | None = None,
        cv: Any = 5,
        task_column: str | int | None = None,
        task_order: ArrayLike | None = None,
        handle_unknown: str = "error",
        random_state: Any = 0,
        n_jobs: int | None = None,
    ):
        self.estimator = estimator
        self.grouper = grouper
        self.similarity = similarity
        self.groups = groups
        self.cv = cv
        self.task_column = task_column
        self.task_order = task_order
        self.handle_unknown = handle_unknown
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> _Grouped:
        default = MultiTaskClassifier if self._classify else MultiTaskRegressor
        estimator = self._inner("estimator", default())
        grouper = self._checked_grouper()
        passed = self._read(X, y, tasks, sample_weight)
        for name in ("grouper_", "similarity_", "cv_loss_"):
            self.__dict__.pop(name, None)  # of an earlier fit
        if self.groups is not None:
            labels = self._given_groups(passed)
        else:
            pairs = self._pairs(passed, estimator, None)
            if isinstance(grouper.n_groups, str) and grouper.n_groups == "cv":
                grouper.set_params(
                    n_groups=self._choose_number(passed, estimator, grouper)
                )
            self.grouper_ = grouper.fit(pairs)
            self.similarity_ = pairs
            labels = self._with_both_classes(passed, grouper.labels_, None)
        self.labels_ = labels
        names = list(dict.fromkeys(labels.tolist()))
        chosen = [np.flatnonzero(labels == name) for name in names]
        fitted = Parallel(n_jobs=self.n_jobs)(
            delayed(passed.fit)(estimator, None, members) for members in chosen
        )
        self.estimators_ = dict(zip(names, fitted, strict=True))
        self.groups_ = {
            name: passed.given.tasks[members].tolist()
            for name, members in zip(names, chosen, strict=True)
        }
        self.n_groups_ = len(names)
        self._adopt(passed.given, *_assembled(passed, chosen, fitted))
        self.n_iter_ = max(model.n_iter_ for model in fitted)
        return self

    fit.__doc__ = MultiTaskModel.fit.__doc__

    def _checked_grouper(self):
        grouper = TaskGrouper() if self.grouper is None else self.grouper
        if not isinstance(grouper, TaskGrouper):
            raise TypeError(f"grouper must be a TaskGrouper, got {grouper!r}")
        grouper._check()
        return clone(grouper)

    def _given_groups(self, passed):
        groups, tasks = self.groups, passed.given.tasks
        if hasattr(groups, "to_dict"):
            groups = groups.to_dict()
        if isinstance(groups, Mapping):
            lacking = [label for label in tasks.tolist() if label not in groups]
            if lacking:
                raise ValueError(f"groups has no entry for the tasks {some(lacking)}")
            groups = [groups[label] for label in tasks.tolist()]
        groups = np.asarray(groups)
        if groups.shape != tasks.shape:
            raise ValueError(
                f"groups has shape {groups.shape} but there are {len(tasks)} tasks; "
                "pass one group per task in the order of tasks_, or a dict by label"
            )
        both = _two_classes(passed, None)
        for name in dict.fromkeys(groups.tolist()):
            if not both[groups == name].any():
                raise ValueError(
                    f"groups: the tasks {some(tasks[groups == name])} of group "
                    f"{name!r} have a single class; put them with others"
                )
        return groups

    def _pairs(self, passed, estimator, keep):
        """Return how alike the tasks are, by the observations to keep."""
        given = self.similarity
        tasks = passed.given.tasks
        if isinstance(given, str) and given == "coefficients":
            kind = IndependentClassifier if self._classify else IndependentRegressor
            alone = kind("cv", fit_intercept=estimator.fit_intercept)
            coef = linear(passed.fit(alone, keep))[0]
            if len(tasks) == 1:
                return TaskMatrix([[1.0]], tasks, "similarity")
            return coefficient_similarity(coef, tasks=tasks)
        if isinstance(given, str) and given == "gain":
            if len(tasks) == 1:
                return TaskMatrix([[0.0]], tasks, "gain")
            return transfer_gain(
                passed.prepared(estimator),
                **passed.part(keep),
                cv=self.cv,
                n_jobs=self.n_jobs,
            )
        if isinstance(given, str):
            raise ValueError(
                "similarity must be 'coefficients', 'gain', a callable, a TaskMatrix "
                f"or an array, got {given!r}"
            )
        if callable(given):
            given = given(*_rows(passed, keep))
        if isinstance(given, TaskMatrix):
            return given.reorder(tasks)
        values = np.asarray(given)
        if values.shape != (len(tasks), len(tasks)):
            raise ValueError(
                f"similarity has shape {values.shape} but there are {len(tasks)} "
                "tasks; pass a TaskMatrix, or an array in the order of tasks_"
            )
        kind = "similarity" if self.grouper is None else self.grouper.kind
        return TaskMatrix(values, tasks, kind, directed=True)

    def _choose_number(self, passed, estimator, grouper):
        """Return the number of groups with the lowest held-out loss."""
        data, T = passed.given.data, len(passed.given.tasks)
        numbers_tried = range(1, min(int(grouper.max_groups), T) + 1)
        masks = passed.folds(self.cv, self.random_state)

        def one(mask):
            pairs = self._pairs(passed, estimator, ~mask)
            known = {}  # models by group: many stay as they are when k grows
            return [
                self._held_out(passed, estimator, pairs, grouper, k, mask, known)
                for k in numbers_tried
            ]

        losses = np.array(Parallel(n_jobs=self.n_jobs)(delayed(one)(m) for m in masks))
        # every task by its mean over the rows held out; then over the tasks
        total = np.array(
            [data.task_sum(np.where(m, passed.weight, 0.0)) for m in masks]
        )
        weight = read_task_weight(
            estimator.task_weight, passed.given.tasks, passed.given.n_samples
        )
        weight = np.where(total.sum(axis=0) > 0, weight, 0.0)
        share = weight / (np.maximum(total.sum(axis=0), 1e-300) * weight.sum())
        self.cv_loss_ = losses.sum(axis=0) @ share
        return int(np.argmin(self.cv_loss_)) + 1

    def _held_out(self, passed, estimator, pairs, grouper, k, mask, known):
        """Return the summed loss of each task on a fold, with k groups."""
        found = clone(grouper).set_params(n_groups=k).fit(pairs)
        labels = self._with_both_classes(passed, found.labels_, ~mask)
        chosen = [np.flatnonzero(labels == g) for g in np.unique(labels)]
        for members in chosen:
            key = tuple(members.tolist())
            if key not in known:
                known[key] = passed.fit(estimator, ~mask, members)
        fitted = [known[tuple(members.tolist())] for members in chosen]
        eta = passed.predict(*_assembled(passed, chosen, fitted))
        loss = observation_losses(passed.given.data, eta, self._classify)
        return passed.given.data.task_sum(np.where(mask, passed.weight * loss, 0.0))

    def _with_both_classes(self, passed, labels, keep):
        """Move groups that have a single class into the largest group that has both."""
        both = _two_classes(passed, keep)
        has_both = np.array([both[labels == g].any() for g in range(labels.max() + 1)])
        size = np.bincount(labels) * has_both
        return in_order(np.where(has_both[labels], labels, int(np.argmax(size))))


def _two_classes(passed, keep):
    """Return for each task whether both classes occur; always for a regressor."""
    data = passed.given.data
    if passed.given.classes is None or not data.fit_intercept:
        return np.ones(len(passed.given.tasks), dtype=bool)
    weight = passed.weight if keep is None else np.where(keep, passed.weight, 0.0)
    signs = [data.task_sum(weight * (data.y * sign > 0)) > 0 for sign in (-1, 1)]
    return signs[0] & signs[1]


def _assembled(passed, chosen, fitted):
    """Return the coefficients and intercepts of all tasks from those of groups."""
    T = len(passed.given.tasks)
    W = np.zeros((T, passed.given.data.design.n_features))
    b = np.zeros(T)
    for members, model in zip(chosen, fitted, strict=True):
        W[members], b[members] = linear(model)
    return W, b


def _rows(passed, keep):
    """Return X, y and task labels of the observations to keep, in the long layout."""
    given, data = passed.given, passed.given.data
    used = passed.weight > 0
    if keep is not None:
        used = used & keep
    rows = np.flatnonzero(used)
    X = data.design.X.tocsr() if sparse.issparse(data.design.X) else data.design.X
    X = X[rows % given.n_rows] if passed.wide else X[rows]
    y = data.y[rows]
    if given.classes is not None:
        y = given.classes[(y > 0).astype(int)]
    return X, y, given.tasks[passed.code[rows]]


_OWN = {
    "grouped_parameters": """\
grouper : TaskGrouper, default=None
    Finds the groups; by default ``TaskGrouper()``. With ``n_groups="cv"`` the number
    of groups has the lowest held-out loss, from 1 to ``max_groups``; similarities and
    groups are found anew in every training part.
similarity : str, callable, TaskMatrix or array-like, default="coefficients"
    How alike the tasks are. ``"coefficients"``: the cosine of the angle between their
    coefficients when each is learned alone, ridge with a strength by
    cross-validation; it depends on the scale of the features. ``"gain"``: the
    cross-validated gain of each task from each other one (`transfer_gain` of the
    estimator). Or a function of (X, y, tasks), in the long layout, that returns a
    `TaskMatrix` or an array; or the matrix itself, an array in the order of
    ``tasks_``.
groups : dict or array-like of shape (n_tasks,), default=None
    The groups, by task label or in the order of ``tasks_``; they are then not looked
    for.
cv : int, splitter or iterable of (train, test), default=5
    Folds within the tasks, for ``n_groups="cv"`` and ``similarity="gain"``.""",
    "grouped_attributes": """\
labels_ : ndarray of shape (n_tasks,)
    The group of each task.
groups_ : dict of group -> list
    The tasks of each group.
n_groups_ : int
    The number of groups.
estimators_ : dict of group -> estimator
    The models of the groups.
grouper_ : TaskGrouper
    The fitted grouper; not with ``groups``.
similarity_ : TaskMatrix
    What the groups were found in; not with ``groups``.
cv_loss_ : ndarray of shape (n_candidates,)
    Mean over the tasks of the held-out {loss}, with 1, 2, ... groups; only
    with ``n_groups="cv"``.""",
}


@partial(documented, _OWN, "mean squared error")
class GroupedMultiTaskRegressor(_Grouped, Regressor):
    """Learn tasks together in groups, each group apart from the others.

    Sharing across groups of tasks that have nothing in common hurts; within a group it
    can help. The groups are found in the data or given.

    Parameters
    ----------
    estimator : regressor, default=None
        What is fitted to each group: any of linmtl's; by default
        ``MultiTaskRegressor()``, an L21 penalty. Settings that differ by task have to
        be given by task label.
    {grouped_parameters}
    {layout_parameters}

    Attributes
    ----------
    {grouped_attributes}
    {linear_attributes}

    See Also
    --------
    TaskGrouper : The groups of any matrix of similarities.
    ClusteredRegressor : Clusters and coefficients in one convex problem.

    References
    ----------
    Standley, Zamir, Chen, Guibas, Malik, Savarese (2020), Which tasks should be learned
    together in multi-task learning?

    Examples
    --------
    >>> from linmtl import MeanRegularizedRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> from linmtl.transfer import GroupedMultiTaskRegressor
    >>> X, y, tasks, truth = make_multitask_regression(
    ...     n_tasks=6, structure="clustered", n_clusters=2, return_coef=True,
    ...     random_state=0,
    ... )
    >>> model = GroupedMultiTaskRegressor(MeanRegularizedRegressor()).fit(X, y, tasks)
    >>> model.n_groups_
    2
    >>> bool((model.labels_ == model.labels_[0]).sum() == 3)
    True
    """


@partial(documented, _OWN, "log loss")
class GroupedMultiTaskClassifier(_Grouped, Classifier):
    """Learn classifiers together in groups, each group apart from the others.

    Sharing across groups of tasks that have nothing in common hurts; within a group it
    can help. The groups are found in the data or given. A group in which only one class
    occurs is learned with the largest one.

    Parameters
    ----------
    estimator : classifier, default=None
        What is fitted to each group: any of linmtl's; by default
        ``MultiTaskClassifier()``, an L21 penalty. Settings that differ by task have to
        be given by task label.
    {grouped_parameters}
    {layout_parameters}

    Attributes
    ----------
    {grouped_attributes}
    {classes}
    {linear_attributes}

    See Also
    --------
    TaskGrouper : The groups of any matrix of similarities.
    ClusteredClassifier : Clusters and coefficients in one convex problem.

    References
    ----------
    Standley, Zamir, Chen, Guibas, Malik, Savarese (2020), Which tasks should be learned
    together in multi-task learning?

    Examples
    --------
    >>> from linmtl import MeanRegularizedClassifier
    >>> from linmtl.datasets import make_multitask_classification
    >>> from linmtl.transfer import GroupedMultiTaskClassifier
    >>> X, y, tasks = make_multitask_classification(n_tasks=4, random_state=0)
    >>> model = GroupedMultiTaskClassifier(
    ...     MeanRegularizedClassifier(), groups={0: "a", 1: "a", 2: "b", 3: "b"}
    ... ).fit(X, y, tasks)
    >>> model.groups_
    {'a': [0, 1], 'b': [2, 3]}
    """

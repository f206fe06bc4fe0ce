"""Models of groups of tasks that are learned together, each group apart from others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, Self

import numpy as np
from joblib import delayed
from numpy.typing import ArrayLike
from sklearn.base import clone

from linmtl.auto._combined import (
    FIT_DOC,
    Combined,
    documented,
    observation_losses,
)
from linmtl.data._kinds import by_label
from linmtl.data._labels import as_task_labels, is_missing, some
from linmtl.data._weights import read_task_weight
from linmtl.datafits._null import null_losses
from linmtl.estimators._base import MultiTaskModel, PlainClassifier, PlainRegressor
from linmtl.estimators._by_loss import loss_of
from linmtl.estimators._generic import MultiTaskClassifier, MultiTaskRegressor
from linmtl.estimators._independent import IndependentClassifier, IndependentRegressor
from linmtl.model_selection._jobs import run_jobs
from linmtl.similarity._coefficients import coefficient_similarity
from linmtl.similarity._result import TaskMatrix, labels_of
from linmtl.transfer._gain import transfer_gain
from linmtl.transfer._rows import present_among, require_order, with_missing
from linmtl.transfer._subset import for_tasks, inner_fit, with_mask
from linmtl.transfer._task_grouper import TaskGrouper, in_order, read_matrix

_FITTED_APART = "each group of tasks is fitted apart"


class _Grouped(Combined):
    """Fit an estimator to each group of tasks."""

    _per_task_too = ("groups",)
    _per_pair_too = ("similarity",)

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
        handle_unknown: Literal["error", "mean"] = "error",
        random_state: int | np.random.RandomState | None = 0,
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
        *,
        offset: ArrayLike | None = None,
    ) -> Self:
        default = MultiTaskClassifier if self._classify else MultiTaskRegressor
        estimator = self._inner("estimator", default())
        grouper = self._checked_grouper()
        passed = self._read(
            *(X, y, tasks, sample_weight, (estimator,)),
            offset=offset,
            incomplete=estimator._takes_absent,
        )
        require_order(self, passed.given)
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
        jobs = [delayed(_fit_group)(passed, estimator, None, m) for m in chosen]
        fitted = run_jobs(jobs, self.n_jobs)
        self.estimators_ = dict(zip(names, fitted, strict=True))
        self.groups_ = {
            name: passed.given.tasks[members].tolist()
            for name, members in zip(names, chosen, strict=True)
        }
        self.n_groups_ = len(names)
        self._set_linear(passed.given, *_assembled(passed, chosen, fitted))
        self.n_iter_ = max(model.n_iter_ for model in fitted)
        return self

    fit.__doc__ = FIT_DOC

    def _checked_grouper(self) -> Any:
        grouper = TaskGrouper() if self.grouper is None else self.grouper
        if not isinstance(grouper, TaskGrouper):
            raise TypeError(f"grouper must be a TaskGrouper, got {grouper!r}")
        grouper._check()
        return clone(grouper)

    def _given_groups(self, passed):
        groups: Any = self.groups
        tasks = passed.given.tasks
        if hasattr(groups, "to_dict"):
            groups = groups.to_dict()
        if isinstance(groups, Mapping):
            groups = by_label(groups)
            lacking = [label for label in tasks.tolist() if label not in groups]
            if lacking:
                raise ValueError(f"groups has no entry for the tasks {some(lacking)}")
            groups = [groups[label] for label in tasks.tolist()]
        if np.ndim(groups) == 1 and len(groups) == len(tasks):
            gone = np.array([g is np.ma.masked or is_missing(g) for g in groups])
            if gone.any():
                raise ValueError(f"groups: the tasks {some(tasks[gone])} have no group")
            groups = as_task_labels(groups, name="groups")
        if np.shape(groups) != tasks.shape:
            raise ValueError(
                f"groups has shape {np.shape(groups)} but there are {len(tasks)} "
                "tasks; pass one group per task in the order of tasks_, or a dict "
                "by label"
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
            same: Any = {"fit_intercept": estimator.fit_intercept, **loss_of(estimator)}
            same["feature_mask"] = getattr(estimator, "feature_mask", None)
            kept = np.ones(passed.weight.size, dtype=bool) if keep is None else keep
            alone = kind("cv", **same).set_params(**passed.tuning([kept]))
            coef = np.nan_to_num(passed.linear(passed.fit(alone, keep))[0])
            coef = coef.reshape(len(tasks), -1)  # of all classes one after another
            if len(tasks) == 1:
                return TaskMatrix(np.ones((1, 1)), tasks, "similarity")
            return coefficient_similarity(coef, tasks=tasks)
        if isinstance(given, str) and given == "gain":
            if len(tasks) == 1:
                return TaskMatrix(np.zeros((1, 1)), tasks, "gain")
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
        shape = np.shape(given)
        if labels_of(given) is None and shape != (len(tasks), len(tasks)):
            raise ValueError(
                f"similarity has shape {shape} but there are {len(tasks)} tasks; pass "
                "a TaskMatrix, or an array in the order of tasks_"
            )
        kind = "similarity" if self.grouper is None else self.grouper.kind
        return read_matrix(given, kind, tasks).reorder(tasks)

    def _choose_number(self, passed, estimator, grouper):
        """Return the number of groups with the lowest held-out loss."""
        data, T = passed.given.data, len(passed.given.tasks)
        numbers_tried = range(1, min(int(grouper.max_groups), T) + 1)
        masks = passed.folds(self.cv, self.random_state)
        losses = np.array(
            run_jobs(
                (
                    delayed(self._by_number)(
                        passed, estimator, grouper, mask, numbers_tried
                    )
                    for mask in masks
                ),
                self.n_jobs,
            )
        )
        # every task by its mean over the rows held out; then over the tasks
        total = np.array(
            [data.task_sum(np.where(m, passed.weight, 0.0)) for m in masks]
        )
        weight = _weight_of_tasks(estimator, passed.given)
        weight = np.where(total.sum(axis=0) > 0, weight, 0.0)
        share = weight / (np.maximum(total.sum(axis=0), 1e-300) * weight.sum())
        self.cv_loss_ = losses.sum(axis=0) @ share
        return int(np.argmin(self.cv_loss_)) + 1

    def _by_number(self, passed, estimator, grouper, mask, numbers_tried):
        """Return the summed losses on a fold for each number of groups."""
        pairs = self._pairs(passed, estimator, ~mask)
        known = {}  # models by group: many stay as they are when k grows
        return [
            self._held_out(passed, estimator, pairs, grouper, k, mask, known)
            for k in numbers_tried
        ]

    def _held_out(self, passed, estimator, pairs, grouper, k, mask, known):
        """Return the summed loss of each task on a fold, with k groups."""
        found: Any = clone(grouper)
        found.set_params(n_groups=k).fit(pairs)
        labels = self._with_both_classes(passed, found.labels_, ~mask)
        chosen = [np.flatnonzero(labels == g) for g in np.unique(labels)]
        for members in chosen:
            key = tuple(members.tolist())
            if key not in known:
                known[key] = _fit_group(passed, estimator, ~mask, members)
        fitted = [known[tuple(members.tolist())] for members in chosen]
        eta = passed.predict(*_assembled(passed, chosen, fitted))
        loss = passed.loss(estimator._loss())
        loss = observation_losses(passed.given.data, eta, loss)
        return passed.given.data.task_sum(np.where(mask, passed.weight * loss, 0.0))

    def _with_both_classes(self, passed, labels, keep):
        """Move groups that have a single class into the largest group that has both."""
        both = _two_classes(passed, keep)
        has_both = np.array([both[labels == g].any() for g in range(labels.max() + 1)])
        size = np.bincount(labels) * has_both
        return in_order(np.where(has_both[labels], labels, int(np.argmax(size))))


def _fit_group(passed, estimator, keep, members):
    """Fit an estimator to a group, with the settings of its tasks."""
    tasks = passed.given.tasks
    model = for_tasks(estimator, tasks, members)
    with inner_fit(model, tasks, members, _FITTED_APART):
        if passed.given.present is None:
            return passed.fit(model, keep, members)
        return _fit_present(passed, model, keep, members)


def _fit_present(passed, model, keep, members):
    """Fit an estimator to a group, in which no task may have some of the features."""
    given = passed.given
    used = np.isin(given.code, members) & (passed.weight > 0)
    rows = np.flatnonzero(used if keep is None else used & keep)
    X, y, code = given.long(rows)
    present = present_among(given.present, members)
    copy: Any = clone(with_mask(model, present))
    copy.set_params(task_column=None, task_order=given.tasks[members])
    return copy.fit(
        with_missing(X, present, np.searchsorted(members, code)),
        y,
        given.tasks[code],
        passed.weight[rows],
        offset=None if given.offset is None else given.offset[rows],
    )


def _weight_of_tasks(estimator, given):
    """Return the weight of each task's loss as the estimator has it."""
    data = given.data
    if given.several:
        data = given.class_columns(data, given.tasks).expand(data)
    null = null_losses(data, estimator._loss())
    null[given.single_class] = 1.0  # left out of the loss
    return read_task_weight(estimator.task_weight, given.tasks, given.n_samples, null)


def _two_classes(passed, keep):
    """Return for each task whether two classes occur; always for a regressor."""
    given, data = passed.given, passed.given.data
    if given.classes is None or not (data.fit_intercept or given.several):
        return np.ones(len(given.tasks), dtype=bool)
    weight = passed.weight if keep is None else np.where(keep, passed.weight, 0.0)
    used = weight > 0
    shown = np.zeros((len(given.tasks), len(given.classes)), dtype=bool)
    place = data.y if given.several else data.y > 0
    shown[given.code[used], place[used].astype(int)] = True
    return shown.sum(axis=1) > 1


def _assembled(passed, chosen, fitted):
    """Return the coefficients and intercepts of all tasks from those of groups."""
    shape = len(passed.given.tasks), *passed.given.class_axis
    W = np.zeros((*shape, passed.given.data.design.n_features))
    b = np.zeros(shape)
    for members, model in zip(chosen, fitted, strict=True):
        W[members], b[members] = passed.linear(model)
    return W, b


def _rows(passed, keep):
    """Return X, y and task labels of the observations to keep, in the long layout."""
    used = passed.weight > 0
    if keep is not None:
        used = used & keep
    X, y, code = passed.given.long(np.flatnonzero(used))
    return X, y, passed.given.tasks[code]


_OWN = {
    "grouped_parameters": """\
grouper : TaskGrouper, default=None
    Finds the groups; by default ``TaskGrouper()``. With ``n_groups="cv"`` the number
    of groups has the lowest held-out loss, from 1 to ``max_groups``; similarities and
    groups are found anew in every training part.
similarity : str, callable, TaskMatrix or array-like, default="coefficients"
    How alike the tasks are. ``"coefficients"``: the cosine of the angle between their
    coefficients (of all classes) when each is learned alone, ridge with a strength by
    cross-validation; it depends on the scale of the features. ``"gain"``: the
    cross-validated gain of each task from each other one (`transfer_gain` of the
    estimator). Or a function of (X, y, tasks), in the long layout, that returns a
    `TaskMatrix` or an array; or the matrix itself, a DataFrame by task label or an
    array in the order of ``tasks_``. Arrays and DataFrames hold what the ``kind`` of
    the grouper says, similarities by default.
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
class GroupedMultiTaskRegressor(_Grouped, PlainRegressor):
    """Learn tasks together in groups, each group apart from the others.

    Sharing across groups of tasks that have nothing in common hurts; within a group it
    can help. The groups are found in the data or given.

    Parameters
    ----------
    estimator : regressor, default=None
        What is fitted to each group: any of linmtl's; by default
        ``MultiTaskRegressor()``, an L21 penalty. Of settings by task, by label or
        arrays in the order of ``tasks_``, each group takes those of its tasks.
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
class GroupedMultiTaskClassifier(_Grouped, PlainClassifier):
    """Learn classifiers together in groups, each group apart from the others.

    Sharing across groups of tasks that have nothing in common hurts; within a group it
    can help. The groups are found in the data or given. A group in which only one class
    occurs is learned with the largest one.

    Parameters
    ----------
    estimator : classifier, default=None
        What is fitted to each group: any of linmtl's; by default
        ``MultiTaskClassifier()``, an L21 penalty. Of settings by task, by label or
        arrays in the order of ``tasks_``, each group takes those of its tasks.
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

    @property
    def _takes_classes(self):
        return self._loss().several

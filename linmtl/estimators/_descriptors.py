"""Tasks that are known by descriptors: one linear map from them to the coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from linmtl.data import MultiTaskData
from linmtl.data._fit_input import FitInput
from linmtl.data._task_table import read_task_table, rows_of_tasks
from linmtl.datafits._base import Datafit
from linmtl.datafits._gram import GramFit
from linmtl.datafits._make import Join
from linmtl.datafits._moments import Moments
from linmtl.designs._base import Design
from linmtl.estimators._base import Classifier, MultiTaskModel, Regressor
from linmtl.estimators._docs import estimator
from linmtl.penalties import Penalty, Ridge


class DescriptorDesign(Design):
    """All tasks share the entries of M, the coefficients of task t being ``M z_t``.

    The one column of W is M, descriptor after descriptor: the features are products of
    a descriptor of the task and a feature of another design.

    Parameters
    ----------
    design : Design
        How X is held.
    Z : ndarray of shape (n_tasks, n_descriptors)
        The descriptors.
    """

    def __init__(self, design: Design, Z: np.ndarray):
        self.design, self.Z = design, Z
        self.n_features = Z.shape[1] * design.n_features
        self.task_ptr = design.task_ptr
        self.dtype = design.dtype

    @property
    def n_columns(self):
        return 1

    @property
    def column(self):
        return np.zeros(self.n_tasks, dtype=np.intp)

    @property
    def map_shape(self) -> tuple[int, int]:
        """The shape of M."""
        return self.design.n_features, self.Z.shape[1]

    def matrix(self, W: np.ndarray) -> np.ndarray:
        """Return M, of shape (n_features of the other design, n_descriptors)."""
        return W.reshape(self.Z.shape[1], -1).T

    def predict(self, W, eta):
        self.design.predict(np.ascontiguousarray(self.matrix(W) @ self.Z.T), eta)

    def adjoint(self, r, G):
        G_all = np.empty((self.design.n_features, self.n_tasks), dtype=G.dtype)
        self.design.adjoint(r, G_all)
        G[:, 0] = (self.Z.T @ G_all.T).ravel()

    def of_tasks(self, tasks):
        return DescriptorDesign(self.design.of_tasks(tasks), self.Z[tasks])

    def task_sums(self, weight):
        sums = self.design.task_sums(weight)
        return (self.Z[:, :, None] * sums[:, None, :]).reshape(self.n_tasks, -1)

    def block(self, task):
        X, z = self.design.block(task), self.Z[task]
        if sparse.issparse(X):
            return sparse.csr_array(sparse.hstack([entry * X for entry in z]))
        return (z[:, None] * X[:, None, :]).reshape(len(X), self.n_features)

    def moments(self, data: MultiTaskData) -> Moments:
        """Return the moments of data with this design, from those of the other."""
        k, d = self.Z.shape[1], self.design.n_features
        parts = Moments.of(replace(data, design=self.design)).spread()
        H = np.einsum("ta,tb,tij->aibj", self.Z, self.Z, parts.H, optimize=True)
        return replace(
            parts,
            x=(self.Z[:, :, None] * parts.x[:, None, :]).reshape(-1, k * d),
            H=H.reshape(1, k * d, k * d),
            C=(self.Z.T @ parts.C).reshape(1, k * d),
            column=self.column,
        )


class _Descriptor(MultiTaskModel):
    """The coefficients of task t are ``M z_t``, z_t being its descriptor, known
    beforehand (n_descriptors,). Minimises over M (n_features, n_descriptors) and the
    intercepts b::

        {loss}
            + alpha / 2 * ||M||_F^2,    w_t = M z_t

    {symbols}

    Parameters
    ----------
    descriptors : dict, DataFrame or array-like, default=None
        The descriptor of each task: by label (the index of a DataFrame), and then also
        of tasks to predict that have no rows in fit; or of shape (n_tasks,
        n_descriptors), in the order of ``tasks_``. None stands for the number 1 for
        every task: the same coefficients for all.
    alpha : float, default={alpha}
        Strength, >= 0.
    feature_mask : None
        Not for this model, in which all tasks have all features.

    Attributes
    ----------
    descriptor_coef_ : ndarray of shape (n_features, n_descriptors)
        The map M; ``coef_`` has its products with the descriptors. Of more than two
        classes there is one for each, (n_classes, n_features, n_descriptors).

    See Also
    --------
    {other} : The same for {other_kind}.
    Pooled{kind} : What is left without descriptors.
    {generic}.fit_new_task : For new tasks with a few rows.

    Notes
    -----
    A task that is not in fit but has a descriptor is predicted with ``M z_t`` and the
    mean of the tasks' intercepts; ``handle_unknown`` is for those that have none.
    A descriptor with a 1 in it, next to what differs between tasks, gives M a part that
    all tasks share.

    References
    ----------
    Romera-Paredes, Torr (2015), An embarrassingly simple approach to zero-shot
    learning.
    """

    alpha: float
    descriptors: Any

    _takes_absent = False
    _texts: ClassVar[dict[str, str]] = {}

    def _make_penalty(self) -> Penalty:
        return Ridge(self.alpha)

    def _problem(self, given: FitInput) -> tuple[MultiTaskData, np.ndarray]:
        given_table = self.descriptors
        self._table = read_task_table(given_table, given.tasks, self, "descriptors")
        Z = rows_of_tasks(self._table, given.tasks)
        design = DescriptorDesign(given.data.design, Z)
        return replace(given.data, design=design), np.array(["all tasks"])

    def _make_fit(self, data: MultiTaskData) -> Datafit:
        loss = self._loss()
        plain = loss.quadratic and self._join() is Join.SUM
        design: Any = data.design
        if plain and design.n_features <= data.y.size:
            return GramFit(design.moments(data), loss, data)
        return super()._make_fit(data)

    def _store(self, problem, result):
        super()._store(problem, result)
        shape, dtype = self.coef_.shape[:-1], self.coef_.dtype
        design: Any = problem.data.design
        if problem.classes is None:
            M = design.matrix(self._solution[1])
            coef = design.Z @ M.T
        else:
            design, classes = design.design, problem.classes
            M = np.full((classes.classes.size, *design.map_shape), np.nan)
            M[np.unique(classes.code)] = [design.matrix(w) for w in self._solution[1].T]
            coef = np.einsum("ta,kja->tkj", design.Z, M)
            coef[np.isnan(np.atleast_2d(self.intercept_))] = np.nan
        coef = coef.reshape(*shape, -1)
        self.coef_ = np.ascontiguousarray(coef, dtype=dtype)
        self.descriptor_coef_ = np.ascontiguousarray(M, dtype=dtype)

    def _of_numbers(self, tasks):
        Z = rows_of_tasks(self._table, tasks)
        _, b = self._consensus()
        b = np.repeat(np.asarray(b)[None], len(tasks), axis=0)
        # without BLAS no digit depends on what else is asked for
        return np.einsum("ta,...ja->t...j", Z, self.descriptor_coef_), b


@estimator
class DescriptorRegressor(_Descriptor, Regressor):
    """Regression for tasks with descriptors, also those without a row of their own.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import DescriptorRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, dose = rng.normal(size=(60, 2)), np.repeat([1.0, 2.0, 3.0], 20)
    >>> y = dose * X[:, 0] - X[:, 1]  # coefficients that are linear in the dose
    >>> descriptors = {task: [1.0, task] for task in (1.0, 2.0, 3.0, 4.0)}
    >>> model = DescriptorRegressor(descriptors, alpha=1e-8).fit(X, y, dose)
    >>> model.predict([[1.0, 1.0]], tasks=[4.0]).round(3)  # never seen: 4 - 1
    array([3.])
    """

    descriptors: Mapping[Any, ArrayLike] | ArrayLike | None = None
    alpha: float = 0.01


@estimator
class DescriptorClassifier(_Descriptor, Classifier):
    """Classes for tasks with descriptors, also tasks without a row of their own.

    Examples
    --------
    >>> import numpy as np
    >>> from linmtl import DescriptorClassifier
    >>> rng = np.random.default_rng(0)
    >>> X, site = rng.normal(size=(90, 2)), np.repeat([-1.0, 0.0, 1.0], 30)
    >>> y = X[:, 0] + site * X[:, 1] > 0
    >>> descriptors = {task: [1.0, task] for task in (-1.0, 0.0, 1.0, 2.0)}
    >>> model = DescriptorClassifier(descriptors).fit(X, y, site)
    >>> model.predict([[-1.0, 3.0]], tasks=[2.0])  # of a task never seen
    array([ True])
    """

    descriptors: Mapping[Any, ArrayLike] | ArrayLike | None = None
    alpha: float = 0.01

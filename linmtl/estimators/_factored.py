"""Models that are a product of two small matrices: GO-MTL and hard sharing.

Their problems are not convex: they are estimators of their own, not penalties.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from linmtl.data._canonical import lent
from linmtl.data._checks import check_count
from linmtl.data._warn import warn
from linmtl.estimators._base import Classifier, MultiTaskModel, Regressor
from linmtl.estimators._docs import chosen, estimator, parameters
from linmtl.estimators._problem import read_coefficients
from linmtl.kernels._threads import blas_threads
from linmtl.penalties import Penalty, Ridge, TraceNorm, compose
from linmtl.penalties._parameters import check_strength
from linmtl.solvers import Result, minimise
from linmtl.solvers._factors import (
    FactoredObjective,
    FactoredPenalty,
    Factors,
    halves_of_svd,
    rotated_to_few,
)
from linmtl.solvers._objective import Objective

_START_TOL = 1e-3  # of the convex model that a descent starts from
_START_RIDGE = 0.01  # relative to the largest curvature of a task's loss

_SHARED = {
    "parameters": f"""\
n_init : int, default=1
    Number of descents; those after the first start at random, and the lowest is kept.
random_state : int, RandomState instance or None, default=None
    Seed of the random starts.
{
        chosen(
            "parameters",
            *("fit_intercept", "task_weight", "feature_mask"),
            *("task_column", "task_order", "handle_unknown"),
        )
    }
solver : str, default="auto"
    The solver of the convex model that the first descent starts from; the default is
    the fastest that applies.
max_iter : int, default=10000
    Iterations at most, of each descent.
tol : float, default=1e-4
    Stop when ``residual_`` is at most ``tol`` times the objective of the null model
    (no coefficients, best intercepts), or where the objective no longer decreases
    beyond rounding, which is often before ``tol=1e-8``. The objective is much closer to
    its minimum than the residual to zero.
warm_start : bool, default=False
    Start from the last solution, matched by task label, unless a component of it is
    unused.
verbose : int, default=0
    If positive, print a line at each iteration.""",
    "attributes": f"""\
components_ : ndarray of shape (n_components_, n_features)
    What the tasks share, the largest component first.
task_codes_ : ndarray of shape (n_tasks, n_components_)
    What each task makes of it: ``coef_ = task_codes_ @ components_``, but for zeros of
    features that a task does not have. The largest code of a component is positive.
    Of more than two classes those of each, (n_tasks, n_classes, n_components), NaN
    where a task has never shown a class.
n_components_ : int
    Number of components: ``n_components``, at most n_features and the columns of W.
{
        chosen(
            "attributes",
            *("coef_", "intercept_", "tasks_", "task_weight_", "new_tasks_"),
            *("objective_", "n_iter_", "solver_"),
            *("n_features_in_", "feature_names_in_", "coef_feature_names_"),
        )
    }
residual_ : float
    How far from stationary the solution is: to first order, the most that the objective
    changes by when both factors change by their own size. Zero at a local minimum.
tol_ : float
    The absolute tolerance used for the residual.
converged_ : bool
    Whether ``residual_ <= tol_``, or the descent ended at rounding: begun afresh at the
    solution, it lowers the objective no further.
objective_history_ : ndarray
    The objective at the start and after each iteration; never increasing.""",
}


@parameters
class _Product(MultiTaskModel):
    """Base: descents from several starts; subclasses give penalty and starts."""

    n_init: int = 1
    random_state: int | np.random.RandomState | None = None

    def _factored_penalty(self) -> FactoredPenalty:
        raise NotImplementedError

    def _convex_model(self, objective: Objective, columns: np.ndarray) -> Result:
        """Solve the convex model that the first descent starts from."""
        raise NotImplementedError

    def _start_from(self, W: np.ndarray, n_components: int) -> Factors:
        """Return factors of W, or close to it."""
        raise NotImplementedError

    def _starts(self, first: Factors, rng: np.random.RandomState) -> Iterator[Factors]:
        """Yield where to start, given the first one."""
        raise NotImplementedError

    def _certify(self, objective: Objective, W: np.ndarray, convex: Result | None):
        """Set what is known of the distance to the best of all solutions."""

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        *,
        offset: ArrayLike | None = None,
        coef_init: ArrayLike | None = None,
    ) -> Self:
        most, _ = (
            check_count(f"{type(self).__name__}: {name}", getattr(self, name))
            for name in ("n_components", "n_init")
        )
        rng = check_random_state(self.random_state)
        read = self._read_problem(X, y, tasks, sample_weight, offset, incomplete=True)
        given, _, columns, objective, classes = read
        problem = FactoredObjective(objective.fit, self._factored_penalty())
        k = min(most, *objective.shape)
        with blas_threads(objective.largest_product):
            null = objective.fit.loss_at(np.zeros(objective.shape))
            if not np.isfinite(null):
                raise ValueError(
                    "the objective is not finite at the start: the numbers in X or y "
                    "are too large; scale them"
                )
            unit = objective.rounding
            stop = self.tol * null + unit
            first, convex = self._warm(columns, objective.shape[0], k), None
            if coef_init is not None:
                coef = read_coefficients(self, coef_init, given)
                coef = coef if classes is None else classes.columns_of(coef)
                first = self._start_from(coef.T, k)
            if first is None:
                convex = self._convex_model(objective, columns)
                first = self._start_from(convex.W, k)
            best = min(
                (
                    problem.minimise(start, stop, self.max_iter, unit, self.verbose)
                    for start in self._starts(first, rng)
                ),
                key=lambda found: found.objective,
            )
            point = best.point.arranged()
            objective.fit.evaluate(point.W, np.empty(objective.shape))
        result = Result(
            W=point.W,
            point=point.W,
            b=np.array(objective.fit.b),
            objective=best.objective,
            gap=0.0,
            tol=np.inf,  # what stops a descent is not a duality gap
            scale=null,
            n_iter=best.n_iter,
            converged=True,
            solver="lbfgs",
        )
        self._factors = columns, point
        self._store(read, result)
        del self.dual_gap_, self.gap_history_
        dtype = given.data.design.dtype
        self.components_ = np.ascontiguousarray(point.A.T, dtype=dtype)
        if classes is None:
            codes, _ = self._lent_codes(given, result.b)
        else:
            codes, _ = classes.by_task(point.B, result.b, len(given.tasks))
        self.task_codes_ = np.ascontiguousarray(codes, dtype=dtype)
        self.n_components_ = k
        self.objective_ = best.objective
        self.objective_history_ = np.array(best.history)
        self.residual_ = best.residual
        self.tol_ = stop
        self.converged_ = bool(best.residual <= stop or best.exhausted)
        self._certify(objective, point.W, convex)
        if not self.converged_:
            warn(
                f"{type(self).__name__} stopped after {self.n_iter_} iterations at a "
                f"residual of {best.residual:.3e}, above the tolerance of {stop:.3e}; "
                "increase max_iter or tol, or standardise the features",
                ConvergenceWarning,
            )
        return self

    fit.__doc__ = MultiTaskModel.fit.__doc__

    def _lent(self, given, W, b):
        codes, b = self._lent_codes(given, b)
        return self._factors[1].A @ codes.T, b

    def _lent_codes(self, given, b):
        """Return codes and intercepts, tasks of a single class having the mean code."""
        _, point = self._factors
        if not self._classify or given.side_means is None:
            return point.B, b
        alone, means = np.flatnonzero(given.side), given.side_means @ point.A
        codes, b = lent(point.B.T, b, alone, given.side == 0, means)
        return codes.T, b

    def _warm(self, columns, n_features, n_components):
        """Return the last solution, by task label; a new task starts at zero."""
        if not self.warm_start or not hasattr(self, "_factors"):
            return None
        known, point = self._factors
        # a component that is zero would never come back
        if point.A.shape != (n_features, n_components) or not point.used.all():
            return None
        position = {label: i for i, label in enumerate(known.tolist())}
        B = np.zeros((len(columns), n_components))
        for t, label in enumerate(columns.tolist()):
            if label in position:
                B[t] = point.B[position[label]]
        return Factors(point.A, B)


class _Factored(_Product):
    """The linear form of a network with a hidden layer that the tasks share. Minimises
    over U (n_features, n_components), V (n_tasks, n_components) and b, with W = U V'::

        {loss}
            + alpha / 2 * (||U||^2 + ||V||^2)

    {symbols}

    Parameters
    ----------
    n_components : int, default=2
        Number of components, the largest rank of W; no more than n_features and
        n_tasks are used.
    alpha : float, default={alpha}
        Strength, >= 0.

    Attributes
    ----------
    trace_norm_gap_ : float
        ``objective_`` less a lower bound of the optimum of `TraceNorm{kind}` with
        the same ``alpha``: the solution is at most this far from the best of all.

    See Also
    --------
    {other} : The same for {other_kind}.
    TraceNorm{kind} : The same without a bound on the rank; convex.
    GOMTL{kind} : A product in which each task uses few components.

    Notes
    -----
    The least penalty of all factors of W is ``alpha`` times its trace norm. So this is
    `TraceNorm{kind}` with a rank of at most ``n_components``, and the same model
    where its solution has no larger rank; ``trace_norm_gap_`` is then about zero. Below
    that rank the problem has local minima, and the gap includes what the bound on the
    rank costs. The first descent starts from the solution with the trace norm, cut to
    the rank.

    ``U`` and ``V`` are known up to a rotation: ``components_`` and ``task_codes_`` are
    halves of the singular value decomposition of W.

    References
    ----------
    Caruana (1997), Multitask learning.
    Srebro, Rennie, Jaakkola (2004), Maximum-margin matrix factorization.

    Examples
    --------
    model.components_.shape, model.task_codes_.shape -> ((2, 20), (10, 2))
    """

    alpha: float

    _texts = _SHARED

    def _make_penalty(self) -> Penalty:
        check_strength(self, "alpha")
        return TraceNorm(self.alpha)

    def _factored_penalty(self) -> FactoredPenalty:
        return FactoredPenalty(float(self.alpha), float(self.alpha))

    def _convex_model(self, objective, columns):
        return minimise(
            objective, tol=_START_TOL, max_iter=self.max_iter, solver=self.solver
        )

    def _start_from(self, W, n_components):
        return halves_of_svd(W, n_components)

    def _starts(self, first, rng):
        yield first
        for _ in range(self.n_init - 1):
            A, B = (rng.standard_normal(part.shape) for part in (first.A, first.B))
            size = np.linalg.norm(first.A) * np.linalg.norm(first.B)
            size /= np.linalg.norm(A) * np.linalg.norm(B)
            yield Factors(np.sqrt(size) * A, np.sqrt(size) * B)

    def _certify(self, objective, W, convex):
        bound = objective.certificate(W).dual
        if convex is not None:
            bound = max(bound, convex.objective - convex.gap)
        self.trace_norm_gap_ = max(self.objective_ - bound, 0.0)


class _GOMTL(_Product):
    """Tasks that use the same components form groups, which may overlap. Minimises over
    a basis L (n_features, n_components), codes S (n_components, n_tasks) and b, with
    W = L S::

        {loss}
            + alpha_basis / 2 * ||L||^2 + alpha_sparse * sum |S|

    {symbols}

    Parameters
    ----------
    n_components : int, default=3
        Number of basis tasks; no more than n_features and n_tasks are used.
    alpha_basis : float, default={alpha_basis}
        Strength on the basis, > 0.
    alpha_sparse : float, default={alpha_sparse}
        Strength on the codes, > 0.

    See Also
    --------
    {other} : The same for {other_kind}.
    Factored{kind} : A ridge in place of the L1 norm.

    Notes
    -----
    The problem is not convex: the solution is stationary, and best among the descents
    and the null model. The first descent starts from tasks learned alone (a light
    ridge), cut to their largest singular directions, turned so that each task uses few;
    the random ones turn at random.

    W depends on the strengths through ``alpha_basis * alpha_sparse**2`` only: other
    splits of the product scale L and S. The paper has ``mu ||S||_1 + lambda ||L||^2``:
    for regression, with squared errors without the half, ``alpha_basis = lambda`` and
    ``alpha_sparse = mu / 2``; for two classes ``alpha_basis = 2 * lambda`` and
    ``alpha_sparse = mu``.

    References
    ----------
    Kumar, Daume (2012), Learning task grouping and overlap in multi-task learning.
    """

    alpha_basis: float
    alpha_sparse: float

    _texts = _SHARED

    def _make_penalty(self) -> Penalty:
        for name in ("alpha_basis", "alpha_sparse"):
            check_strength(self, name)
            if getattr(self, name) == 0:
                raise ValueError(
                    f"{type(self).__name__}: {name} must be positive: without it the "
                    "other penalty could be made as small as one likes by scaling the "
                    "factors"
                )
        return Ridge(_START_RIDGE)

    def _factored_penalty(self) -> FactoredPenalty:
        return FactoredPenalty(float(self.alpha_basis), l1=float(self.alpha_sparse))

    def _convex_model(self, objective, columns):
        fit = objective.fit
        _, curvature = fit.curvature(scaled=False)
        ridge = Ridge(_START_RIDGE * (curvature or 1.0))
        penalty = compose(ridge, fit.n_features, columns)
        return minimise(
            Objective(fit, penalty),
            tol=_START_TOL,
            max_iter=self.max_iter,
            solver=self.solver,
        )

    def _start_from(self, W, n_components):
        start = rotated_to_few(halves_of_svd(W, n_components))
        return self._factored_penalty().balanced(start)

    def _starts(self, first, rng):
        yield first
        penalty, k = self._factored_penalty(), first.A.shape[1]
        halves = halves_of_svd(first.W, k)
        for _ in range(self.n_init - 1):
            turn = np.linalg.qr(rng.standard_normal((k, k)))[0]
            yield penalty.balanced(Factors(halves.A @ turn, halves.B @ turn))
        # the null model is a local minimum, and the best where the penalties are strong
        yield Factors(np.zeros_like(first.A), np.zeros_like(first.B))


@estimator
class FactoredRegressor(_Factored, Regressor):
    """Regression with coefficients that are a product of two small matrices."""

    n_components: int = 2
    alpha: float = 1.0
    _: KW_ONLY


@estimator
class FactoredClassifier(_Factored, Classifier):
    """Logistic regression, coefficients being a product of two small matrices."""

    n_components: int = 2
    alpha: float = 0.01
    _: KW_ONLY


@estimator
class GOMTLRegressor(_GOMTL, Regressor):
    """Regression with tasks that are combinations of few basis tasks (GO-MTL).

    Examples
    --------
    >>> from linmtl import GOMTLRegressor
    >>> from linmtl.datasets import make_multitask_regression
    >>> X, y, tasks = make_multitask_regression(
    ...     structure="clustered", n_clusters=3, deviation=0, random_state=0
    ... )
    >>> model = GOMTLRegressor(3, alpha_basis=1.0, alpha_sparse=1.0)
    >>> model = model.fit(X, y, tasks)
    >>> (model.task_codes_ != 0).sum(axis=1)
    array([1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    """

    n_components: int = 3
    alpha_basis: float = 0.1
    alpha_sparse: float = 0.1
    _: KW_ONLY


@estimator
class GOMTLClassifier(_GOMTL, Classifier):
    """Logistic regression with tasks that are combinations of few (GO-MTL)."""

    n_components: int = 3
    alpha_basis: float = 0.01
    alpha_sparse: float = 0.01
    _: KW_ONLY

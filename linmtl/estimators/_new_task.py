"""A task that was not there in fit, learned from a few rows and the other tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from linmtl.data._absent import mean_model
from linmtl.data._canonical import far_intercept
from linmtl.data._checks import check_choice, check_number
from linmtl.data._labels import as_task_labels, codes_of, require_like, some
from linmtl.data._read import read_X
from linmtl.data._targets import missing_mask, read_labels, read_targets
from linmtl.data._warn import warn
from linmtl.data._weights import read_sample_weight
from linmtl.designs._base import ROUNDED_SPREAD
from linmtl.estimators._predictions import (
    Fitted,
    PredictsClasses,
    TaskClasses,
    with_offset,
)
from linmtl.losses import Loss, MultinomialOfRows, newton, newton_of_classes

HOWS = ("auto", "mean", "subspace", "support")
_GRID = np.logspace(4, -4, 17)  # strengths tried, relative to the largest curvature
_FOLDS = 5
_RANK_TOL = 1e-6  # singular values relative to the largest that are none
_NEWTON_TOL = 1e-10  # of a solution by Newton's method, in the linear predictors
_LEVERAGE_TOL = 1e-12  # of a leverage, below which it is one


@dataclass(frozen=True)
class Prior:
    """What the other tasks say: ``w = mean + basis v``, with a ridge on v.

    Attributes
    ----------
    mean : ndarray of shape (n_features,)
        The mean of the tasks' coefficients; of several classes (n_classes, n_features).
    basis : ndarray of shape (n_features, n_directions)
        The directions in which the task may differ, each as long as is usual.
    """

    how: str
    mean: np.ndarray
    basis: np.ndarray


class NewTask(Fitted):
    """Mixin of the models with one row of coefficients per task."""

    _loss: Callable[[], Loss]

    fit_intercept: bool
    _classify: ClassVar[bool]
    _several = False  # whether there are more than two classes

    def fit_new_task(
        self,
        X: Any,
        y: ArrayLike,
        name: Any,
        *,
        how: str = "auto",
        alpha: float | None = None,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
    ) -> Self:
        """Learn a task that was not there in fit, from a few rows of its own.

        With the coefficients w_t of the tasks in fit and their mean m it minimises
        over v and the intercept::

            1 / S * sum_i s_i loss(y_i, x_i . w + b) + alpha / 2 * ||v||^2

        with ``w = m + v`` (how="mean"); ``w = m + U D v`` with the left singular
        vectors U of the deviations w_t - m and their singular values over the largest
        D (how="subspace"); or ``w = m + v`` with v zero for the features that no task
        uses (how="support"). The loss is that of the model. Of more than two classes
        each that the rows show has a mean, a v and an intercept, with the directions
        and the strength of all; others are NaN, as those that a task in fit lacks.
        The other tasks stay as they are, and so does what is predicted for unknown
        ones. ``tasks_``, ``coef_`` and ``intercept_`` have one more row; attributes
        such as ``coef_components_``, ``noise_``, ``labels_`` or ``task_weight_`` are
        of the tasks in fit, which come first. The model predicts for the new task as
        for any other. The next call of ``fit`` forgets it.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Samples of the new task; with ``task_column``, that column has its name.
        y : array-like of shape (n_samples,)
            Targets, or labels of the classes in ``classes_``; missing ones are left
            out.
        name : str or number
            The label of the task, of the type of those in ``tasks_``.
        how : {"auto", "mean", "subspace", "support"}, default="auto"
            What the other tasks say of it, as above. "auto" is "subspace" where their
            deviations span less of the features in use than they could, else "support"
            where some features are not used, else "mean".
        alpha : float, default=None
            Strength, >= 0 (logistic and Poisson loss: > 0). By default the best of 17,
            1e4 to 1e-4 times the largest curvature of the loss, by leave-one-out for
            the squared loss and by folds for others, stratified for classifiers; with
            fewer than three rows, or a class of one row, the curvature itself.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0.
        offset : float or array-like of shape (n_samples,), default=None
            A known part of the linear predictor, where the model was fitted with one.

        Returns
        -------
        self : object
            The estimator, with the new task; ``new_tasks_`` says how it was learned.

        Raises
        ------
        ValueError
            If an argument is not allowed; the message says why.
        """
        check_is_fitted(self)
        label = self._read_name(name, how)
        strength = self._read_strength(alpha)
        X, y, weight, shift = self._read_rows(X, y, sample_weight, label, offset)
        weight = weight / weight.sum()
        coef = np.asarray(self.coef_[: self._n_fitted], dtype=float)
        mask = getattr(self, "feature_mask_", None)
        if mask is not None:  # a task says nothing of what it does not have
            coef = self._completed(coef, mask)
        if self._several:
            prior = make_prior_by_class(coef, how)
            w, b, used = self._learned_by_class(prior, X, y, weight, strength, label)
        else:
            prior = make_prior(coef, how)
            w, b, used = self._learned(prior, X, y, weight, shift, strength, label)
        self.coef_ = np.concatenate([self.coef_, w[None].astype(self.coef_.dtype)])
        self.intercept_ = np.concatenate([self.intercept_, np.asarray(b)[None]])
        self.tasks_ = np.concatenate([self.tasks_, label])
        if isinstance(self, PredictsClasses) and isinstance(self.classes_, list):
            more: Any = TaskClasses([*self.classes_, self._all_classes])
            self.classes_ = more
        used = None if used is None else float(used)
        known = getattr(self, "new_tasks_", {})
        self.new_tasks_ = {**known, label[0].item(): {"how": prior.how, "alpha": used}}
        return self

    def _completed(self, coef, mask):
        """Return coefficients with the mean of other tasks for absent features."""
        if not self._several:
            return np.where(mask, coef, mean_model(coef, mask))
        coef = coef.copy()
        for of_class in coef.swapaxes(0, 1):
            own = ~np.isnan(of_class).any(axis=1)
            if own.any():
                mean = mean_model(of_class[own], mask[own])
                of_class[own] = np.where(mask[own], of_class[own], mean)
        return coef

    def _learned_by_class(self, prior, X, y, weight, strength, label):
        """Return coefficients and intercept of each class, and the strength in use.

        NaN where the rows do not show a class.
        """
        own, y = np.unique(y.astype(int), return_inverse=True)
        w, b = np.full(prior.mean.shape, np.nan), np.full(len(prior.mean), np.nan)
        if own.size == 1:
            warn(
                f"the task {label[0].item()!r} has a single class; it predicts what it "
                "has seen only"
            )
            w[own], b[own] = prior.mean[own], 0.0
            return w, b, strength
        Z, eta = X @ prior.basis, X @ prior.mean[own].T
        loss, fit_intercept = MultinomialOfRows(), bool(self.fit_intercept)
        problem = _SeveralClasses(loss, Z, y, weight, eta, fit_intercept)
        if strength is None:
            unit = _unit_of_strength(loss, Z, y, weight, eta, fit_intercept)
            strength = problem.choose(_GRID * unit)
            strength = unit if strength is None else strength
        V, b[own] = problem.solution(strength)
        w[own] = prior.mean[own] + (prior.basis @ V).T
        return w, b, strength

    def _learned(self, prior, X, y, weight, shift, strength, label):
        """Return coefficients and intercept, and the strength in use."""
        Z, eta = X @ prior.basis, X @ prior.mean + shift
        loss, fit_intercept = self._loss(), bool(self.fit_intercept)
        side = loss.sides(y, weight, np.array([0, len(y)]))
        if side[0] and fit_intercept:
            warn(
                f"the task {label[0].item()!r} has {loss.one_sided} and no finite "
                "optimum for its intercept; it predicts what it has seen only"
            )
            # without coefficients, which could outvote the intercept
            level = float(far_intercept(side, len(y))[0] - weight @ shift)
            return np.zeros_like(prior.mean), level, strength
        if loss.quadratic:
            problem = _Squared(Z, y, weight, eta, fit_intercept)
        else:
            problem = _Curved(loss, Z, y, weight, eta, fit_intercept)
        if strength is None:
            unit = _unit_of_strength(loss, Z, y, weight, eta, fit_intercept)
            strength = problem.choose(_GRID * unit)
            strength = unit if strength is None else strength
        v, b = problem.solution(strength)
        return prior.mean + prior.basis @ v, b, strength

    def _read_name(self, name, how):
        """Return the label in an array, of the type of the others."""
        cls = type(self).__name__
        if self._layout == "single":
            raise ValueError(
                f"{cls} was fitted without tasks; fit it with tasks= to add one"
            )
        check_choice("how", how, HOWS)
        label = as_task_labels([name], name="name")
        require_like(label, self.tasks_, f"name={name!r} is")
        if codes_of(label, self.tasks_)[0] >= 0:
            raise ValueError(
                f"name={name!r} is a task already; pass a new name, or fit again with "
                "its rows"
            )
        return label

    def _read_strength(self, alpha):
        if alpha is None:
            return None
        alpha = check_number("alpha", alpha, 0.0)
        if alpha == 0 and not self._loss().location:
            raise ValueError(
                f"alpha must be > 0 for a {self._loss().name} loss: few rows are "
                "separable, and without a penalty there is no finite optimum"
            )
        return alpha

    def _read_rows(self, X, y, sample_weight, label, offset=None):
        """Return the rows in use, dense, their targets, weights and offsets."""
        X, labels, _ = read_X(self, X, None, reset=False)
        if labels is not None and np.any(codes_of(labels, label) < 0):
            others = np.unique(labels[codes_of(labels, label) < 0])
            raise ValueError(
                f"the task column of X has the labels {some(others)} beside "
                f"name={label[0].item()!r}; pass the rows of the new task only"
            )
        y = read_labels(y) if self._classify else read_targets(y)
        if y.ndim != 1:
            raise ValueError(
                f"y has shape {y.shape}; pass one target per row of the new task"
            )
        check_consistent_length(X, y)
        weight = read_sample_weight(sample_weight, y.shape)
        shift = with_offset(self, np.zeros(y.shape), offset)
        kept = np.flatnonzero(~missing_mask(y) & (weight > 0))
        if kept.size == 0:
            raise ValueError("y has no observed label with a positive weight")
        X, y, weight = X[kept], y[kept], weight[kept]
        if isinstance(self, PredictsClasses):
            classes = self._all_classes.tolist()
            values = range(len(classes)) if self._several else (-1.0, 1.0)
            known = dict(zip(classes, values, strict=True))
            strange = [value for value in y.tolist() if value not in known]
            if strange:
                raise ValueError(
                    f"y has the labels {some(strange)}, but the classes are "
                    f"{some(self._all_classes)}"
                )
            y = np.array([known[value] for value in y.tolist()])
        else:
            y, _ = self._loss().encode(y, np.zeros(y.shape, dtype=bool))
        X = X.toarray() if sparse.issparse(X) else X
        return X.astype(np.float64), y, weight, shift[kept]


def make_prior(coef: np.ndarray, how: str) -> Prior:
    """Return what coefficients of shape (n_tasks, n_features) say of another task."""
    mean = coef.mean(axis=0)
    return _prior(coef, mean, coef - mean, len(coef) - 1, how)


def make_prior_by_class(coef: np.ndarray, how: str) -> Prior:
    """Return the same of several classes, from (n_tasks, n_classes, n_features).

    NaN where a task does not have a class; the directions are those of all classes.
    """
    known: Any = ~np.isnan(coef).any(axis=2)
    size = np.maximum(known.sum(axis=0), 1)
    mean = np.nansum(coef, axis=0) / size[:, None]
    # what can differ: the deviations of a class sum to zero, and so do those of a task
    free = known.sum() - known.any(axis=0).sum() - known.any(axis=1).sum() + 1
    return _prior(coef[known], mean, (coef - mean)[known], int(free), how)


def _prior(coef, mean, deviations, free, how):
    """Return a prior of deviations from the mean, of which some are free."""
    d = coef.shape[1]
    used = np.any(coef != 0, axis=0)
    U, s, _ = np.linalg.svd(deviations.T, full_matrices=False)
    rank = int(np.sum(s > _RANK_TOL * max(s[0], _RANK_TOL * np.abs(coef).max())))
    if how == "auto":
        how = "mean" if used.all() or not used.any() else "support"
        if 0 < rank < min(free, int(used.sum())):
            how = "subspace"
    if how == "subspace":
        return Prior(how, mean, U[:, :rank] * (s[:rank] / (s[0] if rank else 1.0)))
    basis = np.eye(d)
    return Prior(how, mean, basis[:, used] if how == "support" else basis)


class _Squared:
    """Ridge regression with an offset, for all strengths by one decomposition."""

    def __init__(self, Z, y, weight, offset, fit_intercept):
        self.weight, self.fit_intercept = weight, fit_intercept
        self.target = y - offset
        self.z_mean, self.y_mean = np.zeros(Z.shape[1]), 0.0
        if fit_intercept:
            self.z_mean, self.y_mean = weight @ Z, float(weight @ self.target)
        self.root = np.sqrt(weight)
        A = self.root[:, None] * (Z - self.z_mean)
        self.r = self.root * (self.target - self.y_mean)
        self.P, self.e, self.Qt = np.linalg.svd(A, full_matrices=False)
        top = max(A.shape) * np.finfo(float).eps * self.e.max(initial=0.0)
        self.kept = self.e > top

    def solution(self, alpha):
        e = np.where(self.kept, self.e, 1.0)
        factor = np.where(self.kept, e / (e**2 + alpha), 0.0)
        v = self.Qt.T @ (factor * (self.P.T @ self.r))
        return v, self.y_mean - float(self.z_mean @ v)

    def choose(self, grid):
        """Return the strength with the lowest loss of rows left out one at a time."""
        if len(self.r) < 3:
            return None
        along = self.P.T @ self.r
        losses = []
        for alpha in grid:
            shrunk = np.where(self.kept, self.e**2 / (self.e**2 + alpha), 0.0)
            leverage = self.P**2 @ shrunk
            if self.fit_intercept:
                leverage = leverage + self.weight
            # a row that outweighs all others is fitted by whatever it says
            judges = leverage < 1.0 - _LEVERAGE_TOL
            error = (self.r - self.P @ (shrunk * along))[judges]
            error /= 1.0 - leverage[judges]
            losses.append(float(error @ error))
        return grid[int(np.argmin(losses))]


class _Curved:
    """A loss that is not squared, with a ridge and an offset, by Newton's method."""

    def __init__(self, loss, Z, y, weight, offset, fit_intercept):
        self.loss, self.y, self.weight, self.offset = loss, y, weight, offset
        self.fit_intercept = fit_intercept
        # a ridge keeps v in the span of the rows
        P, e, self.Qt = np.linalg.svd(Z, full_matrices=False)
        self.Z = np.column_stack([P * e, np.ones(len(y)) * fit_intercept])

    def solution(self, alpha):
        z = self._newton(np.arange(len(self.y)), alpha)
        return self.Qt.T @ z[:-1], z[-1] * self.fit_intercept

    def _newton(self, rows, alpha):
        weight = self.weight[rows] / self.weight[rows].sum()
        z, _ = newton(
            self.loss,
            self.Z[rows],
            self.y[rows],
            weight[None],
            self._ridge(alpha),
            self.offset[rows],
            close=_NEWTON_TOL,
        )
        return z[0]

    def _ridge(self, alpha):
        ridge = np.full(self.Z.shape[1], float(alpha))
        ridge[-1] = 0.0 if self.fit_intercept else 1.0
        return ridge

    def choose(self, grid):
        """Return the strength with the lowest held-out loss."""
        splitter: KFold | StratifiedKFold
        if self.loss.classify:
            _, size = np.unique(self.y, return_counts=True)
            if size.size < 2 or size.min() < 2:
                return None
            k = min(_FOLDS, int(size.min()))
            splitter = StratifiedKFold(k, shuffle=True, random_state=0)
        else:
            if len(self.y) < 3:
                return None
            k = min(_FOLDS, len(self.y))
            splitter = KFold(k, shuffle=True, random_state=0)
        losses = np.zeros(len(grid))
        for train, test in splitter.split(self.Z, self.y):
            for k, alpha in enumerate(grid):
                eta = self.offset[test] + self.Z[test] @ self._newton(train, alpha)
                losses[k] += self.weight[test] @ self.loss.value(self.y[test], eta)
        return grid[int(np.argmin(losses))]


class _SeveralClasses(_Curved):
    """More than two classes: an offset and a solution for each."""

    def _newton(self, rows, alpha):
        weight = self.weight[rows] / self.weight[rows].sum()
        given = self.Z[rows], self.y[rows], weight, self._ridge(alpha)
        return newton_of_classes(*given, self.offset[rows], close=_NEWTON_TOL)


def _unit_of_strength(loss, Z, y, weight, eta, fit_intercept):
    """Return the largest curvature of the loss without coefficients, 1 if zero."""
    centred = Z - weight @ Z if fit_intercept else Z
    curvature = _top_curvature(np.sqrt(weight)[:, None] * centred)
    if curvature <= ROUNDED_SPREAD * (weight @ Z**2).max(initial=0.0):
        return 1.0
    if loss.curvature is not None:
        curvature *= loss.curvature
    else:
        b = loss.intercepts(y, eta, weight, np.array([0, len(y)]), np.zeros(1))
        u = -loss.derivative(y, eta + b)
        curvature *= float(weight @ loss.second_derivative(y, u))
    return curvature if curvature > 0 else 1.0


def _top_curvature(A):
    """Return the largest eigenvalue of ``A'A``."""
    if A.size == 0:
        return 0.0
    return float(np.linalg.norm(A, 2)) ** 2

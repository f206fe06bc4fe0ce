"""The loss of all tasks as a function of W, with the intercepts at their optimum.

A datafit is evaluated at W; it then holds the residuals ``theta`` (a point of the dual
problem), which can be projected and scaled to certify how far W is from the optimum.
There are two forms: residuals (any loss), and Gram matrices (squared loss; once they
are built, the cost no longer depends on the number of rows).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, sparse

from linmtl._design import Design, used_rows
from linmtl._jit import readonly
from linmtl._kernels import gram_adjoint
from linmtl._threads import blas_threads
from linmtl.data import MultiTaskData
from linmtl.losses import Loss


@dataclass(frozen=True)
class Residuals:
    """What predicting all observations gives, where a solver has it already.

    Those of a datafit are its own arrays, overwritten when it is evaluated again.

    Attributes
    ----------
    b : ndarray of shape (n_tasks,)
        Intercepts; for the squared loss, those for centred targets.
    theta : ndarray of shape (n_observations,)
        Weighted residuals.
    task_loss : ndarray of shape (n_tasks,)
        Loss of each task.
    gradient : ndarray of shape (n_features, n_columns) or None
        Negative gradient of the loss, where it is known too.
    """

    b: np.ndarray
    theta: np.ndarray
    task_loss: np.ndarray
    gradient: np.ndarray | None = None


class Datafit:
    """Base: what a solver and a certificate need of the loss.

    Attributes
    ----------
    b : ndarray of shape (n_tasks,)
        Intercepts at the last W evaluated.
    """

    data: MultiTaskData
    loss: Loss
    b: np.ndarray
    residuals: Residuals | None = None

    @property
    def n_features(self) -> int:
        return self.data.design.n_features

    @property
    def n_columns(self) -> int:
        return self.data.design.n_columns

    def evaluate(
        self, W: np.ndarray, G: np.ndarray, residuals: Residuals | None = None
    ) -> float:
        """Return the loss at W and write its negative gradient into G.

        ``residuals`` are those at W, if they are known: nothing is predicted then, nor
        multiplied by X' if the gradient is among them.
        """
        raise NotImplementedError

    def loss_at(self, W: np.ndarray) -> float:
        """Return the loss at W alone."""
        raise NotImplementedError

    @property
    def hessian_weight(self) -> np.ndarray:
        """Weight of each observation in the Hessian at the last W evaluated."""
        raise NotImplementedError

    def project(
        self,
        columns: np.ndarray,
        rows: np.ndarray,
        target: np.ndarray,
        G: np.ndarray,
        vectors: np.ndarray | None = None,
    ) -> None:
        """Move the residuals so that ``G[rows][:, columns] @ vectors`` is the target.

        ``vectors`` (n_of_these_columns, n_vectors) are one vector of ones by default;
        the target is of shape (n_rows, n_vectors), or (n_rows,) for all of them.

        The move is the shortest in the metric of the Hessian of the loss: it is a
        Newton step along the directions that the penalty leaves free, so that near the
        optimum it vanishes faster than the constraint it mends. G is updated by
        :meth:`refresh`.
        """
        raise NotImplementedError

    def refresh(self, G: np.ndarray) -> None:
        """Write the negative gradient of the projected residuals into G."""
        raise NotImplementedError

    def dual_limit(self) -> float:
        """Return the largest scale at which the residuals are in the dual domain."""
        raise NotImplementedError

    def best_scale(self, conjugate: float, limit: float, support: float = 0.0) -> float:
        """Return the scale s in [0, limit] to use for the dual value.

        ``s * support + s**2 * conjugate`` is what the penalty takes off it.
        """
        raise NotImplementedError

    def dual_value(self, scale: float) -> float:
        """Return the dual value of the loss at ``scale * theta``."""
        raise NotImplementedError

    def curvature(self, scaled: bool) -> tuple[np.ndarray, float]:
        """Return a diagonal metric D and L with Hessian <= L D for every task.

        D is the identity unless ``scaled``, where it has the features' own curvature.
        """
        raise NotImplementedError

    def restrict(self, features: np.ndarray) -> Datafit:
        """Return the datafit with only these features."""
        raise NotImplementedError

    def fitted_attributes(self, W: np.ndarray) -> dict[str, np.ndarray]:
        """Return what an estimator reports of the loss at the solution, by name."""
        return {}

    def of_tasks(self, tasks: np.ndarray) -> Datafit:
        """Return the datafit of these tasks (positions) only."""
        raise NotImplementedError

    def gather(self, features: np.ndarray, last: Datafit | None = None) -> Datafit:
        """Return :meth:`restrict` in the form that a working set is solved on.

        ``last`` is what this method returned for an earlier set, to copy from.
        """
        return self.restrict(features)

    def with_hessians(self) -> Datafit:
        """Return this datafit in the form in which many Hessians are made."""
        return self


class ResidualFit(Datafit):
    """Any loss, through the residuals of all observations."""

    def __init__(self, data: MultiTaskData, loss: Loss):
        self.loss = loss
        self.data = data
        n = data.y.size
        self._b = np.zeros(data.design.n_tasks)
        self._offset = np.zeros(data.design.n_tasks)
        self.y = data.y
        self.square = 0.0  # sum weight y^2, of use for the squared loss
        if loss.quadratic:  # a large mean would cost digits of the dual value
            self._offset, self.y = centred_targets(data)
            self.square = _square(data, self.y)
        self.task_loss = np.zeros(data.design.n_tasks)
        self._eta = np.empty(n)
        self.theta = np.empty(n)
        self._hessian: np.ndarray | None = None
        self._for_hessians: Design | None = None

    @property
    def b(self):
        return self._b + self._offset

    def evaluate(self, W, G, residuals=None):
        if residuals is None:
            self._hessian = None
            self.data.design.evaluate(W, self._eta, self._residual, self.theta, G)
            return self.join(self.task_loss)
        loss = self.resume(residuals)
        if residuals.gradient is not None:
            G[...] = residuals.gradient
        else:
            self.refresh(G)
        return loss

    def loss_at(self, W):
        self._hessian = None
        self.data.design.predict(W, self._eta)
        self._residual(0, self.data.design.n_tasks)
        return self.join(self.task_loss)

    def _residual(self, first, stop):
        """Write intercepts, residuals and losses of a range of tasks."""
        data, tasks = self.data, slice(first, stop)
        self.loss.residual(
            self.y,
            self._eta,
            data.weight,
            data.task_ptr[first : stop + 1],
            data.total[tasks],
            data.fit_intercept,
            self._b[tasks],
            self.theta,
            self.task_loss[tasks],
        )

    def resume(self, residuals: Residuals) -> float:
        """Go to the point that these residuals belong to; return the loss there."""
        self._hessian = None
        self._b[:], self.theta[:] = residuals.b, residuals.theta
        self.task_loss[:] = residuals.task_loss
        return self.join(self.task_loss)

    @property
    def residuals(self) -> Residuals:
        """The residuals of the last evaluation."""
        return Residuals(self._b, self.theta, self.task_loss)

    def on_line(self, a: Residuals, b: Residuals, move: float) -> Residuals:
        """Return the residuals at ``W_b + move (W_b - W_a)``, for the squared loss."""

        def on_line(start, end):
            out = end - start
            out *= move
            out += end
            return out

        theta = on_line(a.theta, b.theta)
        used = self.data.weight > 0
        squares = np.zeros_like(theta)
        np.divide(theta**2, self.data.weight, out=squares, where=used)
        return Residuals(
            on_line(a.b, b.b),
            theta,
            0.5 * self.data.task_sum(squares),
            on_line(a.gradient, b.gradient),
        )

    def join(self, task_loss: np.ndarray) -> float:
        """Join the tasks' losses to one number: their sum (weights are in the loss)."""
        return float(task_loss.sum())

    @property
    def hessian_weight(self):
        if self._hessian is None:  # ask before theta is projected
            self._hessian = self.loss.hessian(self.y, self.theta, self.data.weight)
        return self._hessian

    def project(self, columns, rows, target, G, vectors=None):
        data = self.data
        h = self.hessian_weight
        column = data.design.column
        tasks = np.flatnonzero(np.isin(column, columns))
        A = data.design.centred_block(tasks, h, data.fit_intercept, rows)
        vectors, excess = _excess(G[rows][:, columns], target, vectors)
        # each observation counts with the entry of its task
        position = {c: i for i, c in enumerate(columns.tolist())}
        size = np.diff(data.task_ptr)[tasks]
        entry = vectors[np.repeat([position[c] for c in column[tasks]], size)]
        A = (entry[:, :, None] * A[:, None, :]).reshape(len(A), -1)
        z = _least_norm(A, excess.T.ravel())
        where = np.concatenate(
            [np.arange(data.task_ptr[t], data.task_ptr[t + 1]) for t in tasks]
        )
        self.theta[where] -= np.sqrt(h[where]) * z

    def refresh(self, G):
        self.data.design.adjoint(self.theta, G)

    def dual_limit(self):
        return self.loss.dual_limit(self.y, self.theta, self.data.weight)

    def best_scale(self, conjugate, limit, support=0.0):
        if not self.loss.quadratic:
            return min(1.0, limit)
        linear, square = self.loss.dual_terms(self.y, self.theta, self.data.weight)
        return best_scale(linear - support, square + 2 * conjugate, limit)

    def dual_value(self, scale):
        return self.loss.dual_value(self.y, self.theta, self.data.weight, scale)

    def curvature(self, scaled):
        data = self.data
        metric = np.ones(self.n_features)
        if scaled:
            metric = data.design.column_scale(data.weight, data.fit_intercept)
            metric[metric <= 0] = 1.0
        top = data.design.column_eigenvalues(data.weight, data.fit_intercept, metric)
        return metric, self.loss.curvature * float(top.max(initial=0.0))

    def restrict(self, features):
        return ResidualFit(self.data.restrict(features), self.loss)

    def of_tasks(self, tasks):
        return ResidualFit(self.data.of_tasks(tasks), self.loss)

    def gather(self, features, last=None):
        known = last.data.design if last is not None else None
        design = self.data.design.gather(features, known)
        return ResidualFit(replace(self.data, design=design), self.loss)

    def with_hessians(self):
        if self._for_hessians is None:  # once for all fits of a path
            centre = self.data.fit_intercept
            self._for_hessians = self.data.design.with_hessians(centre)
        return ResidualFit(replace(self.data, design=self._for_hessians), self.loss)


class JoinedFit(ResidualFit):
    """A loss whose residuals take the losses of all tasks to know."""

    def evaluate(self, W, G, residuals=None):
        value = self.loss_at(W)
        self.refresh(G)
        return value


class GramFit(Datafit):
    """Squared loss through ``H_c = X'DX`` and ``X'Dy`` of each column, centred.

    Attributes
    ----------
    H : ndarray of shape (n_columns or 1, n_features, n_features)
        Hessians; one where all columns share it.
    C : ndarray of shape (n_columns, n_features)
        Negative gradient at zero.
    """

    def __init__(self, data: MultiTaskData, loss: Loss):
        self.loss = loss
        self.data = data
        design = data.design
        alike = design.columns_alike(data.weight)
        d = design.n_features
        self.y_mean, y = centred_targets(data)
        self.x_mean = np.zeros((design.n_tasks, d))
        if data.fit_intercept:
            total = np.where(data.total > 0, data.total, 1.0)
            self.x_mean = design.task_sums(data.weight) / total[:, None]
        self.b = self.y_mean.copy()
        self.square = _square(data, y)
        self.C = np.zeros((design.n_columns, d))
        if alike:
            self._from_shared(y)
        else:
            root = np.sqrt(data.weight)
            self.H = np.zeros((design.n_columns, d, d))
            for c, tasks in design.columns():
                for t in tasks:  # one task at a time keeps the copies small
                    A = design.centred_block(
                        np.array([t]), data.weight, data.fit_intercept
                    )
                    rows = slice(data.task_ptr[t], data.task_ptr[t + 1])
                    self.H[c] += A.T @ A
                    self.C[c] += (root[rows] * y[rows]) @ A
        self._shift = None

    def _from_shared(self, y):
        """One Hessian; without a copy of X where its means are small."""
        data, design = self.data, self.data.design
        weight = data.weight[: design.task_ptr[1]]
        Y = y.reshape(design.n_tasks, -1)
        dense = not sparse.issparse(design.block(0))
        if dense and np.all(weight == weight[0]):
            w, total, mean = weight[0], data.total[0], self.x_mean[0]
            square = w * design.gram()
            H = square - total * np.outer(mean, mean)
            # a mean of the size of the standard deviation would cost digits here
            if np.all(total * mean**2 <= 0.01 * np.diag(H)):
                self.H = H[None]
                G = np.empty((design.n_features, design.n_tasks))
                design.adjoint(Y.ravel(), G)
                self.C[:] = w * G.T  # centred targets centre X too
                return
        A = design.centred_block(np.array([0]), data.weight, data.fit_intercept)
        self.H = (A.T @ A)[None]
        self.C[:] = (np.sqrt(weight) * Y) @ A

    def evaluate(self, W, G, residuals=None):
        self._shift = None
        loss = self._evaluate(W, G)
        self.b = self.y_mean - np.einsum(
            "td,dt->t", self.x_mean, W[:, self.data.design.column]
        )
        if not self.data.fit_intercept:
            self.b = np.zeros_like(self.b)
        self._W = W
        return loss

    def loss_at(self, W):
        return self._evaluate(W, np.empty_like(W))

    def _evaluate(self, W, G):
        if self.H.shape[0] == 1:
            H = self.H[0]
            used = np.flatnonzero(used_rows(W))
            if used.size < self.n_features // 2:  # H is symmetric: rows for columns
                np.subtract(self.C.T, H[used].T @ W[used], out=G)
            else:
                np.subtract(self.C.T, H @ W, out=G)
        else:
            Gt = np.empty_like(self.C)
            Wt = np.ascontiguousarray(W.T)
            gram_adjoint(readonly(self.H), readonly(self.C), readonly(Wt), Gt)
            G[...] = Gt.T
        fitted = float(np.sum(W * self.C.T))
        self._linear = self.square - fitted  # sum theta y
        self._square = self._linear - float(np.vdot(W, G))
        return max(self._square, 0.0) / 2

    @property
    def hessian_weight(self):
        return self.data.weight

    # A projected residual is the residual at a shifted W.
    def project(self, columns, rows, target, G, vectors=None):
        if self._shift is None:
            self._shift = np.zeros_like(self._W)
        shared = self.H.shape[0] == 1
        which = np.zeros(len(columns), dtype=int) if shared else columns
        H = self.H[which][:, rows][:, :, rows]
        vectors, excess = _excess(G[rows][:, columns], target, vectors)
        r, k = excess.shape
        system = np.einsum("ca,cb,cij->aibj", vectors, vectors, H, optimize=True)
        move = _symmetric_solve(system.reshape(k * r, k * r), excess.T.ravel())
        self._shift[np.ix_(rows, columns)] += move.reshape(k, r).T @ vectors.T

    def refresh(self, G):
        if self._shift is not None:
            self._evaluate(self._W + self._shift, G)

    def dual_limit(self):
        return np.inf

    def best_scale(self, conjugate, limit, support=0.0):
        return best_scale(self._linear - support, self._square + 2 * conjugate, limit)

    def dual_value(self, scale):
        return scale * self._linear - scale**2 * self._square / 2

    def curvature(self, scaled):
        metric = np.ones(self.n_features)
        if scaled:
            metric = np.einsum("cjj->cj", self.H).max(axis=0).copy()
            metric[metric <= 0] = 1.0
        scale = 1.0 / np.sqrt(metric)
        top = max(_top_eigenvalue(scale[:, None] * H * scale) for H in self.H)
        return metric, top

    def restrict(self, features):
        return GramFit.assemble(
            self.data.restrict(features),
            self.loss,
            H=np.ascontiguousarray(self.H[:, features][:, :, features]),
            C=np.ascontiguousarray(self.C[:, features]),
            square=self.square,
            x_mean=self.x_mean[:, features],
            y_mean=self.y_mean,
        )

    def of_tasks(self, tasks):
        data = self.data.of_tasks(tasks)
        y = data.y - np.repeat(self.y_mean[tasks], np.diff(data.task_ptr))
        return GramFit.assemble(
            data,
            self.loss,
            H=self.H if len(self.H) == 1 else self.H[tasks],
            C=self.C[tasks],
            square=_square(data, y),
            x_mean=self.x_mean[tasks],
            y_mean=self.y_mean[tasks],
        )

    @classmethod
    def assemble(
        cls,
        data: MultiTaskData,
        loss: Loss,
        *,
        H: np.ndarray,
        C: np.ndarray,
        square: float,
        x_mean: np.ndarray,
        y_mean: np.ndarray,
    ) -> GramFit:
        """Make a datafit from its parts, without looking at the data."""
        fit = object.__new__(cls)
        fit.data, fit.loss = data, loss
        fit.H, fit.C, fit.square = H, C, square
        fit.x_mean, fit.y_mean = x_mean, y_mean
        fit.b = y_mean.copy()
        fit._shift = None
        return fit


class SplitFit(Datafit):
    """The loss of W = P + Q as a function of P above Q, (2 n_features, n_columns)."""

    def __init__(self, whole: Datafit):
        self.whole = whole
        self.data, self.loss = whole.data, whole.loss
        self.square = whole.square

    @property
    def n_features(self):
        return 2 * self.whole.n_features

    @property
    def b(self):
        return self.whole.b

    def evaluate(self, W, G, residuals=None):
        d = self.whole.n_features
        loss = self.whole.evaluate(W[:d] + W[d:], G[:d], residuals)
        G[d:] = G[:d]
        return loss

    def loss_at(self, W):
        d = self.whole.n_features
        return self.whole.loss_at(W[:d] + W[d:])

    @property
    def hessian_weight(self):
        return self.whole.hessian_weight

    def dual_limit(self):
        return self.whole.dual_limit()

    def best_scale(self, conjugate, limit, support=0.0):
        return self.whole.best_scale(conjugate, limit, support)

    def dual_value(self, scale):
        return self.whole.dual_value(scale)

    def curvature(self, scaled):
        metric, top = self.whole.curvature(scaled)
        return np.concatenate([metric, metric]), 2.0 * top


def make_datafit(data: MultiTaskData, loss: Loss) -> Datafit:
    """Return the cheaper form: Gram matrices for squared loss on tall data."""
    if loss.name == "sqrt":
        from linmtl._root_fit import RootFit  # which is made of what is here

        return RootFit(data, loss)
    if not loss.quadratic:
        from linmtl._task_weight import Minimax, MinimaxFit

        if isinstance(loss, Minimax):
            return MinimaxFit(data, loss)
        return ResidualFit(data, loss)
    design = data.design
    d = design.n_features
    alike = design.columns_alike(data.weight)
    grams = 1 if alike else design.n_columns
    rows = design.task_ptr[1] if design.is_shared() else design.task_ptr[-1]
    if grams * d > rows:
        return ResidualFit(data, loss)
    with blas_threads(float(np.diff(design.task_ptr).max()) * d * d):
        return GramFit(data, loss)


def centred_targets(data: MultiTaskData) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted mean target of each task, and y less it."""
    mean = np.zeros(data.design.n_tasks)
    if not data.fit_intercept:
        return mean, data.y
    used = data.total > 0
    mean[used] = data.task_sum(data.weight * data.y)[used] / data.total[used]
    return mean, data.y - np.repeat(mean, np.diff(data.task_ptr))


def _square(data: MultiTaskData, y: np.ndarray) -> float:
    """Return the weighted sum of the squares of targets, centred or as they are."""
    return data.square if y is data.y else float(data.weight @ y**2)


def best_scale(linear: float, square: float, limit: float) -> float:
    """Maximise ``s * linear - s^2 * square / 2`` over 0 <= s <= limit."""
    if linear <= 0.0:
        return 0.0
    best = linear / square if square > 0 else np.inf
    best = min(best, limit)
    return best if np.isfinite(best) else 0.0


def _excess(G, target, vectors):
    """Return the vectors, ones by default, and ``G @ vectors`` less the target."""
    if vectors is None:
        vectors = np.ones((G.shape[1], 1))
    target = np.asarray(target)
    return vectors, G @ vectors - (target[:, None] if target.ndim == 1 else target)


def _least_norm(A: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return the shortest z with ``A' z = g``."""
    if A.size == 0:
        return np.zeros(A.shape[0])
    return linalg.lstsq(A.T, g, lapack_driver="gelsd")[0]


def _symmetric_solve(H: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Return ``H^+ g`` for a positive semi-definite H."""
    eigenvalue, Q = np.linalg.eigh(H)
    cutoff = eigenvalue.size * np.finfo(float).eps * max(eigenvalue[-1], 0.0)
    inverse = np.zeros_like(eigenvalue)
    np.divide(1.0, eigenvalue, out=inverse, where=eigenvalue > cutoff)
    return Q @ (inverse * (Q.T @ g))


def _top_eigenvalue(H: np.ndarray) -> float:
    d = H.shape[0]
    if d == 0:
        return 0.0
    value = linalg.eigvalsh(H, subset_by_index=[d - 1, d - 1])[0]
    return max(float(value), 0.0)

"""Each task fitted by itself, with variances, for the tests of coefficients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg
from scipy.special import expit

from linmtl.data._checks import check_choice, check_number
from linmtl.data._labels import some
from linmtl.losses import Logistic, newton
from linmtl.similarity._read import TaskData, read_Xy

_VARIANCES = ("unequal", "equal", "robust")


class Fits(NamedTuple):
    """Tasks fitted one by one; variances are ``scale_t`` times a matrix."""

    data: TaskData
    coef: np.ndarray  # (T, d), minus the centre
    centre: np.ndarray  # (d,), what a ridge penalty draws towards
    covariance: np.ndarray  # (T, d, d), of the estimates
    metric: np.ndarray  # (T, d, d), inverse of the penalised Hessian
    scale: np.ndarray  # (T,), the noise
    df: np.ndarray  # (T,), the degrees of freedom of that
    equal: bool  # whether the noise of two tasks is taken to be the same
    varies: np.ndarray  # (T, d), whether a feature varies in a task
    shrinkage: np.ndarray  # (T, d), by the ridge penalty, of each coefficient; 1: none


def fit_tasks(X, y, tasks, loss, variance, ridge, adjust, whiten=False) -> Fits:
    """Fit each task; `whiten` allows linear combinations of the features instead."""
    check_choice("loss", loss, ("squared", "logistic"))
    check_choice("variance", variance, _VARIANCES)
    check_choice("adjust", adjust, ("bh", "holm", None))
    ridge = check_number("ridge", ridge, 0.0)
    data = read_Xy(X, y, tasks, loss)
    d = data.X[0].shape[1]
    if ridge == 0.0:
        few = data.n_samples < d + 2
        if few.any():
            raise ValueError(
                f"there are {d} features and the tasks {some(data.tasks[few])} have "
                f"{some(data.n_samples[few])} rows; a test needs {d + 2} rows per task "
                "at least: use fewer features, drop these tasks or pass ridge="
            )
        for label, X_t in zip(data.tasks.tolist(), data.X, strict=True):
            _require_rank(X_t, label, data.features)
        if whiten:
            data = _whitened(data)
    else:
        data.require_rows(2, "a test with ridge", "drop these tasks")
    if loss == "logistic":
        return _fit_logistic(data, variance == "robust", ridge)
    return _fit_squared(data, variance, ridge)


def _require_rank(X, label, features):
    X = X - X.mean(axis=0)
    length = np.linalg.norm(X, axis=0)
    size = np.abs(X).max(axis=0)
    X = np.divide(X, length, out=np.zeros_like(X), where=length > 1e-12 * size.max())
    found: Any = linalg.qr(X, mode="r", pivoting=True)
    R, pivot = found
    diagonal = np.abs(np.diag(R))
    lost = diagonal <= max(X.shape) * np.finfo(float).eps * 10
    if lost.any():
        names = sorted(features[k] for k in pivot[lost])
        raise ValueError(
            f"in the task {label!r} the features {some(names)} are constant or "
            "combinations of others, so that their coefficients are not determined: "
            "drop these features, drop the task or pass ridge="
        )


def _whitened(data: TaskData) -> TaskData:
    """Return data whose features are orthogonal over all rows, within tasks.

    To tests of all features together they are the same, but for rounding.
    """
    Xs = [X - X.mean(axis=0) for X in data.X]
    R = linalg.qr(np.concatenate(Xs), mode="r")[0][: Xs[0].shape[1]]
    Xs = [linalg.solve_triangular(R, X.T, trans=1).T for X in Xs]
    return replace(data, X=Xs)


def _fit_squared(data, variance, ridge):
    T, d = len(data.tasks), data.X[0].shape[1]
    Xs = [X - X.mean(axis=0) for X in data.X]
    ys = [y - y.mean() for y in data.y]
    grams = np.array([X.T @ X for X in Xs])
    centre = np.zeros(d)
    if ridge > 0.0:
        moment = sum(X.T @ y for X, y in zip(Xs, ys, strict=True))
        strength = ridge / T * data.n_samples.sum() * np.eye(d)
        centre = linalg.solve(grams.sum(axis=0) + strength, moment, assume_a="pos")
        ys = [y - X @ centre for X, y in zip(Xs, ys, strict=True)]
    coef, scale, df = np.zeros((T, d)), np.ones(T), np.zeros(T)
    shrinkage = np.ones((T, d))
    covariance, metric = np.zeros((T, d, d)), np.zeros((T, d, d))
    for t, (X, y, gram) in enumerate(zip(Xs, ys, grams, strict=True)):
        n = len(y)
        K = _inverse(gram + ridge * n * np.eye(d))
        coef[t] = K @ (X.T @ y)
        residual = y - X @ coef[t]
        # with the hat matrix H the sum of squares of the residuals has the mean
        # tr (I - H)^2, and the degrees of freedom that go with its variance
        kept = np.zeros(d)  # eigenvalues of I - H
        if ridge > 0.0:
            kept = ridge * n / (np.maximum(np.linalg.eigvalsh(gram), 0.0) + ridge * n)
        left = n - 1 - d + np.sum(kept**2)
        if left < 1e-3 * n:
            raise ValueError(
                f"with ridge={ridge:g} the task {data.tasks.tolist()[t]!r} is fitted "
                "almost exactly, which leaves no rows for its noise; pass a larger "
                "ridge or drop the task"
            )
        df[t] = left**2 / (n - 1 - d + np.sum(kept**4))
        scale[t] = residual @ residual / left
        if scale[t] <= (1e-12 * np.abs(data.y[t]).max()) ** 2:
            raise ValueError(
                f"the task {data.tasks.tolist()[t]!r} is fitted exactly: without noise "
                "there is nothing to test; compare the coefficients, or drop the task"
            )
        metric[t], covariance[t] = K, K @ gram @ K
        shrinkage[t] = np.sum(K * gram, axis=1) if ridge > 0.0 else 1.0
        if variance == "robust":
            leverage = np.sum((X @ K) * X, axis=1) + 1.0 / n
            free = 1.0 - leverage > 1e-10
            shown = np.divide(residual, 1.0 - leverage, out=0.0 * y, where=free)
            half = (X @ K) * (shown / np.sqrt(scale[t]))[:, None]
            covariance[t] = half.T @ half
    if ridge == 0.0:
        metric = covariance
    equal = variance == "equal"
    varies = _vary(Xs)
    return Fits(
        data, coef, centre, covariance, metric, scale, df, equal, varies, shrinkage
    )


def _fit_logistic(data, robust, ridge):
    T, d = len(data.tasks), data.X[0].shape[1]
    single = np.array([np.ptp(y) == 0 for y in data.y])
    if single.any():
        raise ValueError(
            f"the tasks {some(data.tasks[single])} have only 1 class; drop them"
        )
    centre = np.zeros(d)
    if ridge > 0.0:
        from linmtl.estimators import PooledClassifier

        pooled = PooledClassifier(alpha=ridge / T, task_intercepts=True, tol=1e-8)
        codes = np.repeat(np.arange(T), data.n_samples)
        pooled.fit(np.concatenate(data.X), np.concatenate(data.y), codes)
        centre = pooled.coef_[0]
    coef, shrinkage = np.zeros((T, d)), np.ones((T, d))
    covariance, metric = np.zeros((T, d, d)), np.zeros((T, d, d))
    for t, (X, y) in enumerate(zip(data.X, data.y, strict=True)):
        n = len(y)
        # the difference in the coefficients does not depend on where the origin is
        Z = np.column_stack([X - X.mean(axis=0), np.ones(n)])
        deviation = Z.std(axis=0)
        deviation[deviation == 0.0] = 1.0
        Z /= deviation
        strength = np.append(np.full(d, ridge * n), 0.0) / deviation**2
        offset = Z[:, :-1] @ (centre * deviation[:-1])
        w, converged = newton(Logistic(), Z, y, np.ones((1, n)), strength, offset)
        if not converged:
            raise ValueError(
                f"in the task {data.tasks.tolist()[t]!r} a combination of the features "
                "separates the classes, so that coefficients are infinite: use fewer "
                "features, drop the task or pass ridge="
            )
        p = expit(-y * (Z @ w[0] + offset))
        information = (Z.T * (p * (1.0 - p))) @ Z
        K = _inverse(information + np.diag(strength))
        meat = information
        if robust:
            score = Z * (p * np.sqrt(n / max(n - d - 1, 1)))[:, None]
            meat = score.T @ score
        outer = np.outer(deviation[:-1], deviation[:-1])
        coef[t] = w[0, :-1] / deviation[:-1]
        metric[t] = K[:-1, :-1] / outer
        if ridge > 0.0:
            shrinkage[t] = np.sum(K * information, axis=1)[:-1]
        covariance[t] = (K @ meat @ K)[:-1, :-1] / outer
    if ridge == 0.0:
        metric = covariance
    known, varies = np.full(T, np.inf), _vary(data.X)
    return Fits(
        *(data, coef, centre, covariance, metric, np.ones(T), known, False),
        *(varies, shrinkage),
    )


def _vary(Xs):
    """Return whether features vary in tasks, beyond rounding."""
    return np.array([np.ptp(X, axis=0) > 1e-12 * np.abs(X).max(axis=0) for X in Xs])


def _inverse(A):
    """Invert a positive definite matrix, whatever the scales of its rows."""
    scale = 1.0 / np.sqrt(np.diag(A))
    factor = linalg.cho_factor(A * np.outer(scale, scale), lower=True)
    inverse = linalg.cho_solve(factor, np.eye(len(A))) * np.outer(scale, scale)
    return (inverse + inverse.T) / 2

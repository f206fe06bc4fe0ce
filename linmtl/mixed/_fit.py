"""Fit a linear mixed model to the moments of its tasks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from linmtl.data import MultiTaskData
from linmtl.kernels._threads import blas_threads
from linmtl.mixed._covariance import Structure
from linmtl.mixed._laplace import Laplace, LogisticRows
from linmtl.mixed._likelihood import Likelihood
from linmtl.mixed._model import MixedModel
from linmtl.mixed._newton import ascend, maximise, start
from linmtl.mixed._sums import sums_of, varies_within
from linmtl.mixed._variances import shrunk_variances, variance_prior

_MANY_TASKS, _EVERY = 10_000, 25  # from which on one in so many is looked at first
_MAX_ROUNDS = 30  # of noise levels, or a prior, and covariance in turn
_PRIOR_STEPS, _PRIOR_GAIN = 5, 1e-3  # at a prior; what another would gain
_PRIOR_TOL = 0.002  # change of the logarithm of a prior's precision that ends them
_LONGEST = 10.0  # steps to a fixed point in one
_MAX_LOG_PRECISION = 25.0  # the largest such logarithm
_MAX_FREE_COMMON = 10  # common coefficients beyond which they have a prior
_LEAST_SHARE = 0.5  # of the covariance with correlations in one that is shrunk
_NO_GAIN = 1e-3  # in the deviance, for which correlations are not worth having
_NOISE_TOL = 1e-4  # change of a noise level, relative, that ends them
_LEAST_RIDGE = 1e-5  # on common coefficients of labels, relative to the rows
_MOST_NUMBERS = 4e8  # in the second moments of all tasks


@dataclass(frozen=True)
class Choices:
    """What kind of mixed model it is.

    Attributes
    ----------
    covariance : str
        The structure of the covariance, one of `COVARIANCES`.
    n_components : int
        The rank of "low_rank".
    random_intercept : bool
        Whether intercepts are random, too.
    random_features : ndarray of bool of shape (n_features,)
        The features whose coefficients are.
    noise : {"shared", "task"}
        One noise level, or one per task.
    restricted : bool
        Whether fixed effects are integrated out.
    shrink_mean : bool or "auto"
        Whether the common coefficients have a prior; "auto": where there are many.
    max_iter : int
        Newton steps at most.
    """

    covariance: str
    n_components: int
    random_intercept: bool
    random_features: np.ndarray
    noise: str
    restricted: bool
    shrink_mean: bool | str
    max_iter: int


def fit_mixed(data: MultiTaskData, Z: np.ndarray, choices: Choices) -> MixedModel:
    """Return the mixed model of some rows.

    Parameters
    ----------
    data : MultiTaskData
        The rows, each weighted by its sample weight.
    Z : ndarray of shape (n_tasks, n_descriptors)
        What is known of the tasks, ones in the first column.
    choices : Choices
        The kind of model.
    """
    _check_size(data)
    intercept = data.fit_intercept and choices.random_intercept
    with blas_threads(0.0):  # products of one task are small
        frame, sums, moments = sums_of(data, intercept)
        structure = _structure(sums, Z, choices, intercept)
        flat = np.zeros(Z.shape[1] * sums.n_columns)
        S = _parameters(frame, choices)
        model = Likelihood(sums, Z, structure, S, choices.restricted, flat)
        found = _maximum(model, frame, moments, choices, data.fit_intercept)
        if choices.noise == "task":
            found = _with_noise_of_tasks(found, choices)
    return found


def fit_logistic(data: MultiTaskData, Z: np.ndarray, choices: Choices) -> MixedModel:
    """Return the logistic mixed model of some rows, by Laplace's approximation.

    Arguments are as for :func:`fit_mixed`, labels being -1 and +1. Intercepts are
    random. A ridge of no account otherwise keeps separated classes finite.
    """
    _check_size(data)
    design, intercept = data.design, data.fit_intercept
    with blas_threads(0.0):
        frame, sums, moments = sums_of(data, intercept)
        frame = replace(frame, level=0.0)
        blocks = [design.block(t) for t in range(design.n_tasks)]
        A = np.concatenate(
            [X.toarray() if sparse.issparse(X) else X for X in blocks], dtype=float
        )
        structure = _structure(sums, Z, choices, intercept)
        offset = np.zeros(data.y.size) if data.offset is None else data.offset
        ptr = design.task_ptr
        rows = LogisticRows(frame.rows(A), data.y, data.weight, ptr, offset)
        least = _LEAST_RIDGE * data.weight.sum() * np.mean(Z**2, axis=0)
        ridge = np.repeat(least, sums.n_columns)
        S = _parameters(frame, choices)
        model = Laplace(rows, Z, structure, S, choices.restricted, ridge)
        return _maximum(model, frame, moments, choices, intercept)


def _check_size(data):
    T, d = data.design.n_tasks, data.design.n_features
    if T * float(d) ** 2 > _MOST_NUMBERS:
        raise ValueError(
            f"X has {d} features for {T} tasks, whose second moments take "
            f"{T * d**2 * 8 / 2**30:.0f} GiB; choose features first, or use "
            "the MeanRegularized estimators"
        )


def _structure(sums, Z, choices, intercept):
    chosen = np.append(np.ones(int(intercept), bool), choices.random_features)
    random = np.flatnonzero(varies_within(sums, intercept) & chosen)
    if Z.shape[1] >= len(Z):  # deviations cannot be told from the map of descriptors
        random = random[:0]
    covariance, pairs = choices.covariance, random.size * (random.size - 1) // 2
    if covariance == "shrunk" and pairs > len(Z):  # a full one is mostly chance
        covariance = "diagonal"
    return Structure.of(
        covariance, sums.n_columns, intercept, random, choices.n_components
    )


def _parameters(frame, choices):
    """Return coefficients in the frame from those that parameters are deviations of.

    A full covariance is one wherever features have their origin. About their means its
    parameters are of one size, however far away that is.
    """
    return frame.scaled if choices.covariance == "full" else frame.there


def _maximum(model, frame, moments, choices, fit_intercept):
    """Return the model of the highest likelihood."""
    shrinks = choices.shrink_mean
    if model.sums.n_tasks >= _MANY_TASKS:  # some tell about where to start
        some = model.of_tasks(np.arange(0, model.sums.n_tasks, _EVERY))
        found, _, _ = maximise(some, start(some), choices.max_iter)
        point = model.at(found.theta)
    else:
        point = start(model)
    many = model.kept.size > min(_MAX_FREE_COMMON, model.n / 2)
    if shrinks is True or (shrinks == "auto" and many):
        model.restricted = True
        model, point = _with_prior(model, point, frame.intercept, choices.max_iter)
    point, n_iter, converged = _ascended(model, point, choices, frame)
    return MixedModel(
        frame=frame,
        moments=moments,
        sums=model.sums,
        likelihood=model,
        point=point,
        ratio=np.ones(model.sums.n_tasks),
        fit_intercept=fit_intercept,
        n_iter=n_iter,
        converged=converged,
    )


def _ascended(model, point, choices, frame):
    """Return the point of the model from one, the steps, and whether it is best.

    A covariance that is shrunk is the mean of a diagonal and a full one: the latter
    counts by what it gains in the deviance, beyond twice what chance would.
    """
    s = model.structure
    random = np.unique(s.row)
    pairs = s.n_parameters - random.size
    if choices.covariance != "shrunk" or not pairs:
        return maximise(model, point, choices.max_iter)
    alone = model.structured(
        Structure.of("diagonal", s.size, False, random, 1), model.S
    )
    begin = alone.at(np.abs(point.theta[s.diagonal]))
    without, n_iter, converged = maximise(alone, begin, choices.max_iter)
    moved = np.linalg.solve(frame.scaled, model.S)  # to features about their means
    about = model.structured(s, frame.scaled)
    begin = about.at(_triangular(s, moved @ alone.structure.factor(without.theta)))
    full, more, best = maximise(about, begin, choices.max_iter)
    gain = max(without.deviance - full.deviance, 0.0)
    share = max(1.0 - 2.0 * pairs / gain, _LEAST_SHARE) if gain > _NO_GAIN else 0.0
    noise = share * full.noise + (1.0 - share) * without.noise
    parts = (
        (share, full, np.linalg.solve(moved, s.factor(full.theta))),
        (1.0 - share, without, alone.structure.factor(without.theta)),
    )
    root = np.hstack([np.sqrt(part * at.noise / noise) * F for part, at, F in parts])
    theta = _triangular(s, root)
    return model.at(theta), n_iter + more, converged and best


def _triangular(structure, F):
    """Return the parameters of a full covariance ``F F'``."""
    random = np.unique(structure.row)
    _, upper = np.linalg.qr(F[random].T)
    return upper.T[np.searchsorted(random, structure.row), structure.column]


def _with_prior(model, point, intercept, max_iter):
    """Return the likelihood with a normal prior of the slopes of M, and a start.

    The prior is chosen by the likelihood, through MacKay's fixed point, with a few
    steps to the variances in between. Steps to it are lengthened by the secant: where
    no slope is left they would never end.
    """
    q, D = model.Z.shape[1], model.sums.n_columns
    slopes = np.ones((q, D))
    slopes[:, :1] = not intercept
    slopes = slopes.ravel()

    drawn, log_precision, missed, step = model, 0.0, 0.0, 0.0
    for _ in range(_MAX_ROUNDS):
        precision = np.exp(log_precision)
        ridge = model.ridge + slopes * precision
        drawn = drawn.changed(model.sums, ridge, slopes.sum() * log_precision)
        few = min(max_iter, _PRIOR_STEPS)
        point, _, _ = ascend(drawn, drawn.at(point.theta), few, _PRIOR_GAIN)
        mine = slopes[drawn.kept]
        # of the coefficients' variance the prior's share is that which is not known
        known = mine.sum() - precision * float(mine @ np.diag(point.C))
        size = float(mine @ point.beta**2)
        following = np.log(max(known, 1e-3) * point.noise / max(size, 1e-300))
        following = float(np.clip(following, -_MAX_LOG_PRECISION, _MAX_LOG_PRECISION))
        miss = following - log_precision
        if abs(miss) <= _PRIOR_TOL:
            break
        step = miss * (_secant_factor((missed - miss) / step) if step else 1.0)
        limit = _MAX_LOG_PRECISION
        step = np.clip(log_precision + step, -limit, limit) - log_precision
        log_precision, missed = log_precision + step, miss
    return drawn, point


def _secant_factor(fall: float) -> float:
    """Return the step to a fixed point relative to what is missed, as far as to trust.

    ``fall`` is by how much less is missed, relative to the last step.
    """
    return float(np.clip(1.0 / max(fall, 1.0 / _LONGEST), 0.5, _LONGEST))


def _with_noise_of_tasks(model, choices):
    """Return the model with a noise level for each task, shrunk to the common one.

    In turn the covariance given the levels, and the levels given what is left of the
    tasks' rows: the mean of a scaled inverse chi-squared prior, whose parameters are
    found from the spread of the levels, and of what a task says (Smyth, 2004).
    """
    everything = np.arange(model.sums.n_tasks)
    for _ in range(_MAX_ROUNDS):
        V = model.spread(everything)
        used = np.einsum("tij,tji->t", model.likelihood.sums.K, V)
        degrees = np.maximum(model.sums.count - used, 1e-3)
        squares = model.squares()
        levels = shrunk_variances(squares, degrees, variance_prior(squares, degrees))
        levels = np.maximum(levels, model.likelihood.least)
        ratio = levels / np.exp(np.mean(np.log(levels)))
        changed = np.max(np.abs(np.log(ratio / model.ratio)))
        like = model.likelihood
        like = like.changed(model.sums.times(1.0 / ratio), like.ridge)
        begin = like.at(model.point.theta)
        point, n_iter, converged = _ascended(like, begin, choices, model.frame)
        model = replace(
            model,
            likelihood=like,
            point=point,
            ratio=ratio,
            n_iter=model.n_iter + n_iter,
            converged=converged,
        )
        if changed <= _NOISE_TOL:
            break
    return model

"""Solutions along a sequence of penalties, each started from those before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from linmtl.data._checks import is_whole
from linmtl.datafits._base import Datafit, Residuals
from linmtl.penalties import Penalty, Sum, compose
from linmtl.penalties._agreement import Agreement
from linmtl.penalties._parameters import with_alpha
from linmtl.solvers._minimise import minimise, null_coefficients
from linmtl.solvers._objective import Objective
from linmtl.solvers._quadratic_path import QuadraticPath, pieces, quadratic_forms
from linmtl.solvers._result import Result

_SURE_SPREAD = 1e-6  # a deviation that rounding leaves of constants above 1e8 only
DIRECT = "auto", "direct"  # solvers of quadratic problems by factors


def with_strength(penalty: Penalty, alpha: float) -> Penalty:
    """Return a penalty with this ``alpha``.

    A sum, or a penalty with several strengths and none called ``alpha``, is returned
    with all strengths times it.
    """
    if isinstance(penalty, Sum) or not hasattr(penalty, "alpha"):
        return _times(penalty, alpha)
    return with_alpha(penalty, alpha)


def _times(penalty, factor):
    parameters = penalty.get_params(deep=False)
    for name, value in parameters.items():
        if isinstance(value, Penalty):
            parameters[name] = _times(value, factor)
        elif name == "alpha" or name.startswith("alpha_"):
            parameters[name] = _scaled(value, factor)
    return type(penalty)(**parameters)


def _scaled(alpha, factor):
    if isinstance(alpha, dict):
        return {label: factor * value for label, value in alpha.items()}
    return factor * np.asarray(alpha, dtype=float) if np.ndim(alpha) else factor * alpha


def follow(
    fit: Datafit,
    penalties: Sequence[Penalty],
    tasks: np.ndarray,
    *,
    strengths: Sequence[float] | np.ndarray | None = None,
    tol: float,
    max_iter: int,
    solver: str = "auto",
    W0: np.ndarray | None = None,
    slack: Callable[[], float] = lambda: 1.0,
) -> Iterator[Result]:
    """Yield the solution for each penalty, in the order given.

    Each starts from the last one, moved on along the line through the last two in the
    strength, where that has the lower objective.

    Parameters
    ----------
    fit : Datafit
        The loss.
    penalties : sequence of Penalty
        The penalties, best from strong to weak.
    tasks : ndarray of shape (n_columns,)
        Labels of the columns of W.
    strengths : sequence of float, default=None
        The strength of each penalty, to extrapolate along.
    tol, max_iter, solver
        As for :func:`linmtl.solvers.minimise`.
    W0 : ndarray of shape (n_features, n_columns), default=None
        Where to start the first one.
    slack : callable
        Returns what to multiply the tolerance of the next one by; 1 by default.
    """
    known: list[tuple[float, np.ndarray, Residuals | None]] = []
    scale, loss = None, np.inf
    if solver in DIRECT:
        forms = quadratic_forms(penalties, fit.n_features, tasks)
        path = QuadraticPath.of(fit, forms)
        if path is not None:
            yield from _certified(fit, path, penalties, tasks, tol, max_iter)
            return
    for i, penalty in enumerate(penalties):
        objective = Objective(fit, compose(penalty, fit.n_features, tasks))
        _, start, residuals = known[-1] if known else (0.0, W0, None)
        rival = None
        # a squared loss with quadratic penalties is solved from anywhere
        bends = not fit.quadratic or objective.penalty.norm is not None
        on_line = len(known) == 2 and bends
        if on_line and strengths is not None and start is not None:
            rival = loss + objective.penalty.value(start), start
            start, residuals = point_on_line(objective, known, strengths[i])
        result = minimise(
            objective,
            tol=tol * slack(),
            max_iter=max_iter,
            solver=solver,
            W0=start,
            residuals=residuals,
            rival=rival,
            scale=scale,
        )
        loss = result.objective - objective.penalty.value(result.point)
        scale = result.scale
        strength = strengths[i] if strengths is not None else 0
        # those of rows that judge a fit by moments are nothing to go on from
        residuals = result.residuals if fit.holds_rows else None
        known = [*known[-1:], (strength, result.point, residuals)]
        yield result


def _certified(fit, path, penalties, tasks, tol, max_iter) -> Iterator[Result]:
    """Yield the solutions of quadratic problems with their certificates."""
    scale = None
    for part in pieces(len(penalties), (fit.n_features, fit.n_columns)):
        starts, _ = path.solutions(part, tol)
        for penalty, start in zip(penalties[part], starts, strict=True):
            objective = Objective(fit, compose(penalty, fit.n_features, tasks))
            result = minimise(
                objective,
                tol=tol,
                max_iter=max_iter,
                W0=start,
                solved=True,
                scale=scale,
            )
            scale = result.scale
            yield result


def point_on_line(objective, known, alpha):
    """Return the point for ``alpha`` on the line through two, and the residuals there.

    These where the residuals of both are known and the point is on the line exactly.
    """
    (first, W_first, residuals_first), (second, W, residuals) = known
    move = move_on_line(first, second, alpha)
    if move == 0.0:
        return W, residuals
    trial = W + move * (W - W_first)
    if objective.penalty.positive:
        np.maximum(trial, 0.0, out=trial)
        return trial, None
    if residuals_first is None or residuals is None:
        return trial, None
    return trial, objective.fit.on_line(residuals_first, residuals, move)


def move_on_line(first: float, second: float, alpha: float) -> float:
    """Return how many times the way from the first to the second is to go on."""
    return 0.0 if first == second else (second - alpha) / (first - second)


def path_strengths(
    objective: Objective, alphas: int | ArrayLike, eps: float
) -> np.ndarray:
    """Return the strengths that ``alphas`` and ``eps`` stand for, decreasing."""
    if np.ndim(alphas) == 0:
        if not is_whole(alphas):
            raise ValueError(f"alphas must be an integer or an array, got {alphas!r}")
        check_grid(alphas, eps, "alphas")
        return grid(objective, int(alphas), eps)
    strengths = np.sort(np.asarray(alphas, dtype=float))[::-1]
    if strengths.ndim != 1 or strengths.size == 0:
        raise ValueError("alphas must have at least one strength, in one dimension")
    if not (np.all(np.isfinite(strengths)) and strengths[-1] >= 0):
        raise ValueError("alphas must be finite and >= 0")
    return strengths


def check_grid(n_alphas: int, eps: float, name: str = "n_alphas") -> None:
    if n_alphas < 1:
        raise ValueError(f"{name} must be >= 1, got {n_alphas!r}")
    if not 0 < eps < 1:
        raise ValueError(f"eps must be between 0 and 1, got {eps!r}")


def grid(objective: Objective, n_alphas: int, eps: float) -> np.ndarray:
    """Return strengths from the strongest that matters downwards, equally in log.

    From the one that makes the solution zero to ``eps`` times it, or for a semi-norm
    the one that makes the semi-norm zero (of deviations from a common model with a
    ridge, the one that would without it); where none does, in proportion to the largest
    curvature of a task's loss.
    """
    top = top_strength(objective)
    if np.isinf(top):
        top = _largest_of_substitute(objective)
    if np.isfinite(top):
        if top == 0.0 or not _varies(objective.base_fit):
            top = 1.0  # a constant target, or constant features
        return np.geomspace(top, top * eps, n_alphas)
    _, curvature = objective.fit.curvature(scaled=False)
    unit = unit_of_strength(objective.base_fit, curvature)
    return unit * np.logspace(2, -4, n_alphas)


def _largest_of_substitute(objective: Objective) -> float:
    """Return the largest strength of the penalty that stands for this one.

    Infinite where there is none.
    """
    fit, n_columns = objective.base_fit, objective.shape[1]
    source: Any = objective.penalty.source
    substitute = source.with_largest_strength(n_columns)
    if substitute is None:
        return np.inf
    composed = compose(substitute, fit.n_features, np.arange(n_columns))
    return largest_strength(Objective(fit, composed))


def unit_of_strength(fit: Datafit, curvature: float) -> float:
    """Return the largest curvature of a task's loss; 1 if it is but rounding.

    As where all features are constant within the tasks.
    """
    return float(curvature or 1.0) if _varies(fit) else 1.0


def _varies(fit: Datafit) -> bool:
    """Whether a feature varies within a task by more than rounding, as far as known."""
    data: Any = fit.data if fit.holds_rows else fit.rows
    if data is None or not data.fit_intercept:
        return True
    if fit.feature_scale().max(initial=0.0) > _SURE_SPREAD:
        return True
    return bool(data.design.varies(data.weight, True).any())


def top_strength(objective: Objective) -> float:
    """Return the smallest strength from which on the solution is the same.

    It is zero there or, for a semi-norm, has a semi-norm of zero; infinite where there
    is no such strength.
    """
    top = largest_strength(objective)
    return top if np.isfinite(top) else agreement_strength(objective)


def agreement_strength(objective: Objective) -> float:
    """Return the smallest strength at which a semi-norm alone is zero at the solution.

    Infinite for any other penalty.
    """
    penalty, n_columns = objective.penalty, objective.shape[1]
    norm: Any = penalty.norm
    form = None if penalty.norm is None else penalty.norm.null_form(n_columns)
    if form is None or objective.free_means.any() or not penalty.quadratic.is_zero:
        return np.inf
    agreement = Agreement(form)
    part = Objective(objective.base_fit, replace(penalty, norm=agreement))
    W = minimise(part, tol=1e-8, max_iter=1000).W
    G = np.empty_like(W)
    part.smooth(W, G)
    return norm.alpha * norm.dual_norm(G - agreement.project(G))


def largest_strength(objective: Objective) -> float:
    """Return the smallest strength at which the solution is zero."""

    def strength_at(factor):
        # what the null model with the quadratic terms times this factor asks for
        scaled = replace(objective.penalty, quadratic=factor * quadratic)
        part = Objective(objective.base_fit, scaled)
        W = null_coefficients(part)
        G = np.empty_like(W)
        part.smooth(W, G)
        return float(source.alpha_max(G[: objective.base_fit.n_features]))

    source: Any = objective.penalty.source
    quadratic, free = objective.penalty.quadratic, objective.penalty.free
    top = strength_at(1.0)
    null_model = free.any() or objective.free_means.any()
    if quadratic.is_zero or not null_model or not 0 < top < np.inf:
        return top
    # The quadratic terms grow with the factor as well, and the free features are fitted
    # under them: the factor sought is the one that asks for itself.
    low = high = top
    while strength_at(high) > high:
        low, high = high, 2.0 * high
    while low > 1e-9 * top and strength_at(low) <= low:
        low /= 2.0
    if low <= 1e-9 * top:
        return low
    root: Any = brentq(
        lambda s: strength_at(s) - s,
        low,
        high,
        rtol=1e-14,  # pyright: ignore[reportArgumentType]
    )
    return float(root)

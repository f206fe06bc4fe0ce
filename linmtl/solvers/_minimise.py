"""One driver for all methods: the start, tolerance, best point and certificate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from linmtl.datafits._base import Residuals
from linmtl.datafits._gram import for_many_problems
from linmtl.datafits._tie import tie
from linmtl.kernels._threads import blas_threads
from linmtl.penalties._compose import Composite
from linmtl.penalties._quadratic_form import QuadraticForm
from linmtl.solvers._choice import METHODS, Method, choose_method
from linmtl.solvers._concomitant import Concomitant
from linmtl.solvers._direct import Direct
from linmtl.solvers._monitor import Monitor
from linmtl.solvers._network import NetworkDescent
from linmtl.solvers._objective import Objective
from linmtl.solvers._result import Result
from linmtl.solvers._stages import MAX_STAGES, STARTS, convex_start, tangent
from linmtl.solvers._working_set import FewFeatures, WorkingSet

# Digits that moments lose below this share of the tolerance are of no account.
_NEGLIGIBLE = 1e-3

SOLVERS: dict[str, type[Method]] = {**METHODS, Concomitant.name: Concomitant}


def choose_solver(objective: Objective) -> type[Method]:
    """Return the method that ``solver="auto"`` stands for."""
    reweighted = Concomitant.missing(objective) is None
    return Concomitant if reweighted else choose_method(objective)


def null_model(objective: Objective) -> tuple[np.ndarray, float]:
    """Return W of the null model and the objective there.

    Everything that a norm penalises is zero; features that it leaves free are fitted,
    like intercepts.
    """
    W = null_coefficients(objective)
    return W, objective.value(W)


def null_coefficients(objective: Objective) -> np.ndarray:
    """Return W of the null model."""
    W = objective.start
    free, norm = objective.penalty.free, objective.penalty.norm
    if objective.without_free is not None:
        part, eliminated = objective.without_free
        gone = eliminated.features
        W[gone] = eliminated.others(W[~gone])
    elif objective.free_means.any():
        rows = objective.free_means
        W[: rows.size][rows] = _common_model(objective, rows)
    elif norm is not None and free.any():
        part = Objective(objective.fit.restrict(free), objective.penalty.restrict(free))
        if not objective.penalty.positive:
            part.penalty.norm = None
        scale = part.value(np.zeros(part.shape))
        start = np.zeros(part.shape)  # the null model of what is free is no other
        W[free] = minimise(part, tol=1e-12, scale=scale, max_iter=10_000, W0=start).W
    return W


def _common_model(objective: Objective, rows: np.ndarray) -> np.ndarray:
    """Return the best single model of all tasks in some rows of W, a column."""
    fit, T = objective.whole_fit, objective.shape[1]
    fit = fit if rows.all() else fit.restrict(rows)
    quadratic = objective.penalty.base_quadratic
    strength = quadratic.gradient(np.ones((rows.size, T))).sum(axis=1)[rows]
    form, every = QuadraticForm(1, mean=strength), np.ones(strength.size, dtype=bool)
    part = Objective(tie(fit), Composite(None, form, every))
    return minimise(part, tol=1e-12, max_iter=10_000).W


def minimise(
    objective: Objective,
    *,
    tol: float,
    max_iter: int,
    solver: str | type = "auto",
    W0: np.ndarray | None = None,
    residuals: Residuals | None = None,
    rival: tuple[float, np.ndarray] | None = None,
    scale: float | None = None,
    solved: bool = False,
    verbose: int = 0,
) -> Result:
    """Minimise an objective to a duality gap of ``tol`` times its null value.

    Parameters
    ----------
    objective : Objective
        The problem.
    tol : float
        Relative tolerance on the duality gap.
    max_iter : int
        Iterations at most.
    solver : {"auto"}, a name of `SOLVERS` or class, default="auto"
        The method; a class with the same interface serves tests and benchmarks.
    W0 : ndarray of shape (n_features, n_columns), default=None
        Starting point; by default the null model. Without a ``scale``, the null model
        takes its place if it is lower.
    residuals : Residuals, default=None
        Those at ``W0``, if they are known.
    rival : tuple of float and ndarray, default=None
        Another starting point, after the objective there; the lower one is taken.
    scale : float, default=None
        The value that ``tol`` is relative to; by default that of the null model.
    solved : bool, default=False
        Whether ``W0`` is the solution already, and is moved only if its gap is large.
    verbose : int, default=0
        Print a line at each certificate if positive.

    Raises
    ------
    ValueError
        If the solver does not apply to this loss and penalty.
    """
    norm = objective.penalty.norm
    start: dict[str, Any] = {"residuals": residuals, "rival": rival}
    options: dict[str, Any] = {"tol": tol, "solver": solver, "verbose": verbose}
    given: dict[str, Any] = {"W0": W0, "scale": scale, "max_iter": max_iter}
    if norm is not None and not norm.convex:
        return _minimise_in_stages(objective, **given, **options)
    if objective.without_free is not None:
        return _minimise_without_free(objective, **given, **start, **options)
    if objective.substituted is not None:
        return _minimise_substituted(objective, **given, **start, **options)
    method = _method_of(objective, solver)
    through_rows = objective.of_rows() if objective.base_fit.pending else None
    if through_rows is not None and method is WorkingSet:
        few: dict[str, Any] = {**options, "solver": FewFeatures}
        found = minimise(through_rows, rival=rival, **given, **few)
        return found if found.converged else _go_on(found, objective, max_iter, options)
    objective.base_fit.settle()
    monitor = Monitor(objective, verbose)
    with blas_threads(objective.largest_product):
        W, scale = _first_point(objective, monitor, W0, scale, **start)
        stop = tol * scale + objective.rounding
        # leaves room for the digits that moments lose
        aim = stop if objective.base_fit.holds_rows else (1.0 - _NEGLIGIBLE) * stop
        if monitor.best_gap > aim or (method is Direct and not solved):
            method().solve(objective, W, aim, max_iter, monitor)
    result = _best_of(monitor, objective, method.name, stop, scale)
    return _certified(result, objective, max_iter, options)


def _method_of(objective: Objective, solver: str | type[Method]) -> type[Method]:
    """Return the method of this name, if it applies."""
    if solver == "auto":
        method = choose_solver(objective)
    else:
        method = SOLVERS[solver] if isinstance(solver, str) else solver
    missing = method.missing(objective)
    if missing is not None:
        raise ValueError(f"solver={method.name!r} needs {missing}; use solver='auto'")
    return method


def _first_point(
    objective: Objective,
    monitor: Monitor,
    W0: np.ndarray | None,
    scale: float | None,
    residuals: Residuals | None,
    rival: tuple[float, np.ndarray] | None,
) -> tuple[np.ndarray, float]:
    """Return where to start, of which the monitor knows, and what ``tol`` is of."""
    if W0 is None:
        W = null_coefficients(objective)
    else:
        W = _allowed(objective, W0)
        if scale is None:
            null, scale = null_model(objective)
            rival = (scale, null) if rival is None else rival
    if W0 is None and NetworkDescent.missing(objective) is None:
        monitor.start(W)  # zero: its bound is dear and says nothing
    else:
        monitor.done(W, 0, np.inf, residuals)
    if rival is not None and not monitor.best_value <= rival[0]:
        W = _allowed(objective, rival[1])
        monitor.done(W, 0, np.inf)
    if monitor.best_W is None:
        raise ValueError(
            "the objective is not finite at the start: the numbers in X or y are "
            "too large; scale them"
        )
    return W, monitor.best_value if scale is None else scale


def _best_of(
    monitor: Monitor, objective: Objective, solver: str, stop: float, scale: float
) -> Result:
    """Return the best point that a method has come to."""
    assert monitor.best_W is not None
    converged = bool(monitor.best_gap <= stop)
    # the start may be the end; then what is known of it may be a sum of roundings
    fresh = converged and monitor.n_iter > 0 and monitor.value == monitor.best_value
    return Result(
        objective.penalty.coefficients(monitor.best_W),
        monitor.best_W,
        monitor.best_b,
        monitor.best_value,
        monitor.best_gap,
        stop,
        scale,
        max(monitor.n_iter, 1),
        converged,
        solver,
        monitor.history,
        residuals=objective.residuals() if fresh else None,
    )


def _certified(
    result: Result, objective: Objective, max_iter: int, options: dict[str, Any]
) -> Result:
    """Return a result with its gap in the form of the objective that has the digits.

    Where that form finds the gap too large, go on in it.
    """
    exact = _by_rows(objective, result.point, result.tol)
    if exact is objective:
        gap = result.gap + objective.error(result.point)
        return _judged(result, result.objective, gap, max_iter)
    with blas_threads(exact.largest_product):
        certificate = exact.certificate(result.point)
    b, stop = exact.intercepts(result.point), options["tol"] * result.scale
    result = replace(result, b=b, tol=stop + exact.rounding, residuals=None)
    result = _judged(result, certificate.primal, certificate.gap, max_iter)
    return result if result.converged else _go_on(result, exact, max_iter, options)


def _go_on(
    result: Result, objective: Objective, max_iter: int, options: dict[str, Any]
) -> Result:
    """Go on from a result with the same objective in another form."""
    left = max_iter - result.n_iter
    if left < 1:
        return result
    objective.base_fit.settle()
    following = minimise(
        objective, max_iter=left, W0=result.point, scale=result.scale, **options
    )
    later = [(result.n_iter + i, gap) for i, gap in following.history]
    n_iter = result.n_iter + following.n_iter
    return replace(following, n_iter=n_iter, history=result.history[:-1] + later)


def _by_rows(objective: Objective, W: np.ndarray, stop: float) -> Objective:
    """Return the objective in the form that tells this point from the optimum.

    That through residuals where moments lose too many digits and the rows are at hand.
    """
    matters = objective.base_fit.pending or objective.error(W) > _NEGLIGIBLE * stop
    return (objective.of_rows() or objective) if matters else objective


def _judged(result: Result, objective: float, gap: float, max_iter: int) -> Result:
    steps, stalled = f"{result.n_iter} iterations", result.n_iter < max_iter
    message = _message(result.solver, steps, gap, result.tol, stalled=stalled)
    return result.judged(objective, gap, message)


def _message(
    solver: str, steps: str, gap: float, tol: float, *, problem="", stalled=False
) -> str:
    advice = "increase tol" if stalled else "increase max_iter or tol"
    return (
        f"the solver '{solver}' stopped after {steps} at a duality gap of {gap:.3e}"
        f"{problem}, above the tolerance of {tol:.3e}; {advice}, or standardise the "
        "features"
    )


def _minimise_in_stages(
    objective: Objective,
    *,
    tol: float,
    max_iter: int,
    W0: np.ndarray | None,
    scale: float | None,
    **options,
) -> Result:
    """Minimise an objective whose penalty is not convex; see `_stages`.

    ``W0`` is where the first, convex problem starts. The null model is kept where it is
    the solution of that: from there on a strength is as good as infinite.
    """
    if scale is None:
        scale = null_model(convex_start(objective))[1]
    fit = for_many_problems(objective.base_fit)
    if fit is not objective.base_fit:
        objective = Objective(fit, objective.penalty)
    options.update(scale=scale, tol=tol / 2)  # half for the next stage's own gap
    best, n_iter = None, 0
    for part in STARTS:
        first, left = convex_start(objective, part), max(max_iter - n_iter, 1)
        start = minimise(first, max_iter=left, W0=W0, **options)
        stop = tol * scale + first.rounding
        found = _minimise_from(objective, start, stop, left, **options)
        n_iter += found.n_iter
        if best is None or found.objective < best.objective - stop:
            best = found
        W0, norm = start.W, first.penalty.norm
        if norm is None or norm.value(W0) == 0.0 or n_iter >= max_iter:
            break
    assert best is not None
    return replace(best, n_iter=n_iter)


def _minimise_from(
    objective: Objective, result: Result, stop: float, max_iter: int, **options
) -> Result:
    """Go on in stages from the first one's result.

    The gap is that of W in the problem of its own tangent.
    """
    objective = _by_rows(objective, result.W, stop)
    stages, n_iter = [objective.value(result.W)], result.n_iter
    while True:
        stage = tangent(objective, result.W)
        value = stage.value(result.W)
        left = max(max_iter - n_iter, 1)
        following = minimise(stage, max_iter=left, W0=result.W, **options)
        gap = max(value - following.objective + following.gap, 0.0)
        n_iter += following.n_iter
        if gap <= stop or n_iter >= max_iter or len(stages) >= MAX_STAGES:
            break
        value = objective.value(following.W)
        if value >= stages[-1]:
            break
        stages.append(value)
        result = following
    steps = f"{len(stages)} stages and {n_iter} iterations"
    problem = " in the problem of its own tangent"
    message = _message(result.solver, steps, gap, stop, problem=problem)
    # residuals are those of the tangent, which may know fewer features
    result = replace(result, tol=stop, n_iter=n_iter, stages=stages, residuals=None)
    return result.judged(stages[-1], gap, message)


def _minimise_substituted(
    objective: Objective,
    *,
    W0: np.ndarray | None,
    rival: tuple[float, np.ndarray] | None,
    **options,
) -> Result:
    """Minimise in the variables that the penalty has in place of W."""
    other = objective.substituted
    assert other is not None
    found = minimise(
        other.part,
        W0=None if W0 is None else other.there(W0),
        rival=None if rival is None else (rival[0], other.there(rival[1])),
        **options,
    )
    point = other.back(found.point)
    # for the intercepts; the norm itself may take a minimum over copies
    objective.fit.evaluate(point, objective.gradient)
    b = objective.intercepts(point)
    return replace(found, W=other.back(found.W), point=point, b=b)


def _minimise_without_free(
    objective: Objective,
    *,
    W0: np.ndarray | None,
    residuals: Residuals | None,
    rival: tuple[float, np.ndarray] | None,
    **options,
) -> Result:
    """Minimise over the features that the norm penalises, the free ones at their best.

    The lower bound of what is left is one of the whole: its residuals satisfy the
    constraint of the free features.
    """
    assert objective.without_free is not None
    part, eliminated = objective.without_free
    free = eliminated.features
    if residuals is not None:
        known = residuals.gradient
        residuals = residuals if known is None or known.shape == part.shape else None
    found = minimise(
        part,
        W0=None if W0 is None else W0[~free],
        residuals=residuals,
        rival=None if rival is None else (rival[0], rival[1][~free]),
        **options,
    )
    W = np.empty(objective.shape)
    W[~free], W[free] = found.W, eliminated.others(found.W)
    whole = _by_rows(objective, W, found.tol)
    if eliminated.exact:
        value, lower = whole.value(W), found.objective - found.gap
    else:
        certificate = whole.certificate(W)
        value, lower = certificate.primal, certificate.dual
    gap = max(value - lower, 0.0) + whole.error_without_rows(W)
    message = found.message or (
        f"the solver '{found.solver}' reached a duality gap of {gap:.3e}, above "
        f"the tolerance of {found.tol:.3e}: coefficients of features without a "
        "penalty are too large for their digits; standardise the features, or "
        "leave out those that others explain"
    )
    coefficients = objective.penalty.coefficients(W)
    found = replace(found, W=coefficients, point=W, b=whole.intercepts(W))
    return found.judged(value, gap, message)


def _allowed(objective: Objective, W: np.ndarray) -> np.ndarray:
    """Return a copy of a starting point, with the signs that the penalty asks for."""
    W = np.array(W, dtype=float, order="C")
    if objective.penalty.positive:
        np.maximum(W, 0.0, out=W)
    return objective.penalty.quadratic.shared(W)


def rounded(objective: Objective, result: Result, dtype: np.dtype) -> Result:
    """Return a result with coefficients that this dtype holds, certified as they are.

    The tolerance grows by the unit of rounding.
    """
    if dtype == np.float64:
        return result
    point = result.point.astype(dtype).astype(np.float64)
    objective = _by_rows(objective, point, result.tol)
    convex = objective
    if result.stages is not None:
        convex = tangent(objective, result.point)
        lower = convex.value(result.point) - result.gap
    with blas_threads(objective.largest_product):
        if result.stages is None:
            certificate = objective.certificate(point)
            lower = max(result.objective - result.gap, certificate.dual)
        gap = max(convex.value(point) - lower, 0.0)
        value = objective.value(point)
    tol = result.tol + float(np.finfo(dtype).eps) * result.scale
    message = result.message or "rounding to single precision opened the gap"
    W, b = objective.penalty.coefficients(point), objective.intercepts(point)
    result = replace(result, W=W, point=point, b=b, tol=tol)
    return result.judged(value, gap, message)

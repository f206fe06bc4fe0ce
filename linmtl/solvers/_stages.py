"""Penalties that are not convex, in convex stages (majorise, minimise).

Each stage minimises the loss plus the tangent of the penalty at the last solution, from
there; the objective falls from stage to stage. A point that is optimal for its own
tangent is stationary: the duality gap in the problem of its own tangent is the
certificate.

There may be many of them, and which one is found depends on the first stage. That is
solved with the convex penalty at the strength asked for and at parts of it, and the
lowest objective is kept: a weaker start has more features from which the tangent takes
its penalty.

Zou, Li (2008), One-step sparse estimates in nonconcave penalized likelihood models;
Zhang (2010), Analysis of multi-stage convex relaxation for sparse regularization.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from linmtl.penalties._compose import compose
from linmtl.solvers._objective import Objective

MAX_STAGES = 500
STARTS = (1.0, 0.5, 0.2)  # parts of the strength in the first stage


def convex_start(objective: Objective, part: float = 1.0) -> Objective:
    """Return the convex problem of the first stage, at this part of the strength."""
    norm: Any = copy.copy(objective.penalty.norm)
    norm.alpha = part * norm.alpha
    return _stage(objective, norm.start())


def tangent(objective: Objective, W: np.ndarray) -> Objective:
    """Return the convex problem whose penalty is the tangent at W."""
    norm: Any = objective.penalty.norm
    return _stage(objective, norm.majoriser(W))


def _stage(objective: Objective, penalty) -> Objective:
    columns = np.arange(objective.shape[1])
    convex = compose(penalty, objective.shape[0], columns)
    quadratic = convex.base_quadratic + objective.penalty.base_quadratic
    return Objective(objective.base_fit, replace(convex, quadratic=quadratic))

"""Squared loss of rows in parts, of more features than cross-products have room for.

Each pass says the loss and its gradient at some coefficients, and each working set has
the cross-products of its own features: a norm that leaves most rows of W zero needs few
of both.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from linmtl.datafits._base import UNIT, SquaredSums
from linmtl.distributed._parts import Parts
from linmtl.distributed._rounds import (
    Estimator,
    Rounds,
    check_in_parts,
    store,
)
from linmtl.distributed._rows import (
    Model,
    ResidualSums,
    Survey,
    residual_sums,
    sums_of_some,
)
from linmtl.distributed._sets import require_sets
from linmtl.penalties import compose
from linmtl.solvers import minimise
from linmtl.solvers._objective import Objective
from linmtl.solvers._working_set import WorkingSet
from linmtl.statistics import TaskStatistics


class PassFit(SquaredSums):
    """The squared loss, each evaluation of which is a pass over all parts.

    Parameters
    ----------
    rounds : Rounds
        Where the rows are, and what is in them.
    """

    quadratic = bounded = True
    holds_rows = False

    def __init__(self, rounds: Rounds):
        found = rounds.found
        self.loss, self.rounds = rounds.loss, rounds
        self.n_columns, self.n_features = found.centre.shape
        self.centre = found.centre / found.total[:, None]
        self.evaluate(np.zeros((self.n_features, self.n_columns)), self._empty())
        self.square = self._square
        means = float(rounds.task_weight @ rounds.mean**2)
        self.rounding = UNIT * (self.square + UNIT * (self.square + means))

    @property
    def row_count(self):
        return self.n_features

    @property
    def largest_block(self):
        return self.n_features, False

    def _empty(self):
        return np.empty((self.n_features, self.n_columns))

    def evaluate(self, W, G, residuals=None):
        rounds = self.rounds
        self.b = np.zeros(self.n_columns)
        if rounds.fit_intercept:
            self.b = rounds.mean - np.sum(self.centre.T * W, axis=0)
        question = partial(residual_sums, model=Model(rounds.tasks, W, self.b))
        sums: ResidualSums = rounds.merged(question, ResidualSums.merge)
        rounds.require_rows(sums.count, rounds.tasks)
        G[...] = rounds.per_weight * sums.gradient.T
        self._square = float(rounds.per_weight @ sums.square)
        self._linear = self._square + float(np.vdot(W, G))  # sum theta y
        return self._square / 2

    def loss_at(self, W):
        return self.evaluate(W, self._empty())

    def hessians(self, features, dtype=np.float64, least=0.0):
        rounds = self.rounds
        question = partial(sums_of_some, features=features)
        found: TaskStatistics = rounds.merged(question, TaskStatistics.merge)
        moments = rounds.moments(found)
        return (moments if rounds.fit_intercept else moments.about_zero()).H


class _WorkingSet(WorkingSet):
    """Without what takes a pass for each of very many steps."""

    most = 0.99


def fit_in_passes(estimator: Estimator, parts: Parts, found: Survey) -> Estimator:
    """Fit an estimator with the squared loss to rows of very many features.

    Parameters
    ----------
    estimator : estimator
        With a penalty that leaves whole features out.
    parts : Parts
        Where the rows are.
    found : Survey
        What is in them.

    Returns
    -------
    estimator
        The same, fitted.

    Raises
    ------
    ValueError
        If its penalty is none of these, or the features in use are too many.
    """
    check_in_parts(estimator)
    rounds = Rounds(estimator, parts, found)
    given = rounds.given(estimator)
    composite = compose(
        estimator._make_penalty(), given.data.design.n_features, rounds.tasks
    )
    require_sets(composite, len(found.tasks), found.centre.shape[1])
    objective = Objective(PassFit(rounds), composite)
    result = minimise(
        objective, tol=estimator.tol, max_iter=estimator.max_iter, solver=_WorkingSet
    )
    store(estimator, rounds, given, objective, result)
    return estimator

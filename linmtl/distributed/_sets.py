"""Curved losses of rows in parts, of more features than have room for Hessians.

As :mod:`linmtl.distributed._rounds`, with the Hessian of a working set of features
only. The residuals of its model are multiplied by all features in the next round, which
tells whether they are dual feasible, and which features the set lacks.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from linmtl.datafits._base import Datafit
from linmtl.datafits._gram import GramFit
from linmtl.designs._base import used_rows
from linmtl.distributed._rounds import InRounds, Point, SumsFit
from linmtl.distributed._rows import Bound, Model, SetSums, set_sums
from linmtl.losses import Squared
from linmtl.penalties._compose import Composite
from linmtl.solvers import Result
from linmtl.solvers._objective import Objective
from linmtl.solvers._working_set import lacks_rows, worst
from linmtl.statistics._task_statistics import no_room, products_fit

# Hessians of all features, this much larger, would have no room: below it they cost
# little, and save a few rounds.
_LARGE = 400
_LEAST_ROOM, _GROWTH = 100, 2  # rows that a set may grow by, and times those in use
_NEAR = 0.9  # of its bound: a row that is zero stays in the set
# What residuals are multiplied by, at which their dual value is asked for: one of them
# is a little below the largest that is allowed.
_SCALES = 1.0 - np.concatenate([[0.0], np.logspace(-9, 0, 28)])


def takes_sets(composite: Composite, n_tasks: int, n_features: int) -> bool:
    """Whether to fit by working sets.

    Raises
    ------
    TooManyProducts
        If there is no room for Hessians, and the penalty has no use for working sets.
    """
    if products_fit(_LARGE * n_tasks, n_features):
        return False
    if _lacking(composite, n_tasks, n_features) is None:
        return True
    if not products_fit(n_tasks, n_features):
        require_sets(composite, n_tasks, n_features)
    return False


def require_sets(composite: Composite, n_tasks: int, n_features: int) -> None:
    """Demand a penalty for which the cross-products of few features are enough."""
    lacking = _lacking(composite, n_tasks, n_features)
    if lacking is not None:
        raise no_room(n_tasks, n_features, f"take a model with {lacking}")


def _lacking(composite, n_tasks, n_features):
    fit = Answered(np.zeros((n_features, n_tasks)), np.zeros(1))
    return lacks_rows(Objective(fit, composite))


class Answered(Datafit):
    """A loss of which parts have told the dual value at multiples of some residuals.

    Parameters
    ----------
    gradient : ndarray of shape (n_features, n_columns)
        The residuals times the features.
    conjugates : ndarray of shape (n_scales,)
        Sums of the conjugates at their multiples.
    """

    loss, rounding = Squared(), 0.0  # of which nothing is asked

    def __init__(self, gradient: np.ndarray, conjugates: np.ndarray):
        self._gradient, self._conjugates = gradient, conjugates
        self.n_features, self.n_columns = gradient.shape
        self.b = np.zeros(self.n_columns)

    def evaluate(self, W, G, residuals=None):
        G[...] = self._gradient
        return 0.0

    def dual_limit(self):
        return 1.0

    def best_scale(self, conjugate, limit, support=0.0):
        costs = self._conjugates + _SCALES * support + _SCALES**2 * conjugate
        return float(_SCALES[np.argmin(np.where(limit >= _SCALES, costs, np.inf))])

    def dual_value(self, scale):
        return -float(self._conjugates[np.flatnonzero(scale == _SCALES)[0]])


class InSets(InRounds):
    """Newton's method on working sets, certified on all features."""

    def minimise(self) -> tuple[Result, Objective]:
        rounds, penalty = self.rounds, self.composite
        d, T = rounds.found.centre.shape[1], len(rounds.tasks)
        self._features = np.arange(0)
        W, b = np.zeros((d, T)), rounds.start()
        null = self._model(W, b)
        at = self._ask(W, b, Bound(null, null, _SCALES))
        self.scale = value = at.loss
        tol, dual, history = self.tol * value, -np.inf, [(0, float(value))]
        moved, moves = W, True
        while True:
            objective = Objective(self._answered, penalty)
            dual = max(dual, objective.certificate(moved).dual)
            history.append((rounds.count, float(max(value - dual, 0.0))))
            if history[-1][1] <= tol or len(history) > self.max_iter or not moves:
                break
            before = self._features
            self._features = self._choose(W, objective.row_sizes, before)
            if not before.size:
                at = self._ask(W, b)
            moved, moved_b = self._step_on(at)
            bound = Bound(at.model, self._model(moved, moved_b), _SCALES)
            found, _ = self._search(at, W, value, moved, moved_b, bound)
            moves = found is not None
            if found is not None:
                at, W, value = found
                b = at.b
        return self._result(at, W, value, history), objective

    def _choose(self, W, size, before):
        """Return the next working set: what is in use, and what violates most."""
        kept = used_rows(W)
        used, T = int(np.count_nonzero(kept)), W.shape[1]
        room = max(_LEAST_ROOM, _GROWTH * used)
        while room and not products_fit(T, used + room):
            room //= 2
        wanted = size > 1.0
        if not room and np.any(wanted & ~kept):
            raise ValueError(
                f"the model has more than {used} features in use for {T} tasks, whose "
                "cross-products have no room; use larger strengths, choose features "
                "first, or fit the rows in one place"
            )
        wanted[before[size[before] > _NEAR]] = True
        kept[worst(np.flatnonzero(wanted & ~kept), size, room)] = True
        # one that is not empty, for what is to be minimised
        return np.flatnonzero(kept) if kept.any() else np.array([np.argmax(size)])

    def _part(self, at: Point) -> Objective:
        """Return the model and the penalty of the features of the set."""
        norm, chosen = self.composite.norm, at.features
        assert norm is not None
        assert chosen is not None
        penalty = Composite(
            norm.on_features(chosen, len(at.W)),
            self.composite.quadratic,
            np.zeros(chosen.size, dtype=bool),
        )
        return Objective(GramFit(at.fit.moments, Squared()), penalty)

    def _step_on(self, at):
        """Return where loss and penalty are least by the model, other rows as is."""
        result = self._least(self._part(at), at.W[at.features])
        new = np.zeros(at.W.shape)
        new[at.features] = result.W
        return new, result.b

    def _promise(self, at, point, new, b):
        part = self._part(at)
        losses, value = at.fit.moments.losses, part.penalty.value
        old, new = at.W[at.features], new[at.features]
        before = np.sum(losses(old, at.b)) + value(old)
        return before - np.sum(losses(new, b)) - value(new)

    def _model(self, W, b) -> Model:
        used = np.flatnonzero(used_rows(W))
        whole = self.rounds.model(W, b, self._sharpness)
        return Model(whole.tasks, whole.W[used], whole.b, whole.sharpness, used)

    def _ask(self, W, b, bound=None) -> Point:
        rounds = self.rounds
        model = self._model(W, b)
        question = partial(set_sums, model=model, features=self._features, bound=bound)
        sums: SetSums = rounds.merged(question, SetSums.merge)
        known, T = rounds.known, len(rounds.tasks)
        rounds.require_rows(sums.count, rounds.tasks[known])
        conjugates = sums.conjugates @ rounds.per_weight
        if bound is not None:
            G = np.zeros((sums.gradient.shape[1], T))
            G[:, known] = (sums.gradient * rounds.per_weight[:, None]).T
            self._answered = Answered(G, conjugates)
        fit = None
        if sums.statistics is not None:
            fit = SumsFit(rounds.sums(sums.statistics), rounds.loss)
        loss = float(rounds.per_weight @ sums.loss)
        return Point(W, b, model, loss, fit, conjugates, self._features)

"""A strength that is given, or found by the restricted likelihood."""

from __future__ import annotations

import numpy as np

from linmtl.data import MultiTaskData
from linmtl.data._fit_input import FitInput
from linmtl.datafits._make import Join
from linmtl.estimators._alias import Alias
from linmtl.losses import LOSSES
from linmtl.mixed._strength import likelihood_strength
from linmtl.penalties import Penalty, compose
from linmtl.solvers._objective import Objective


class Likely(Alias):
    """Base of the models of a quadratic penalty whose ``alpha`` may be "reml"."""

    alpha: float | str

    def _problem(self, given: FitInput) -> tuple[MultiTaskData, np.ndarray]:
        data, columns = super()._problem(given)
        self.__dict__.pop("alpha_", None)  # of an earlier fit
        if isinstance(self.alpha, str):
            self.alpha_ = self._by_likelihood(given, data, columns)
        return data, columns

    def _make_penalty(self) -> Penalty:
        return self._at(getattr(self, "alpha_", self.alpha))

    def _at(self, alpha):
        others = {n: getattr(self, n) for n in self._penalty_names() if n != "alpha"}
        return self._penalty(**others, alpha=alpha)

    def _by_likelihood(self, given, data, columns):
        name, loss = type(self).__name__, self._loss()
        if self.alpha != "reml":
            raise ValueError(
                f"{name}: alpha must be a number >= 0 or 'reml', got {self.alpha!r}"
            )
        if not loss.likelihood or self._join() is not Join.SUM:
            known = [kind.name for kind in LOSSES.values() if kind.likelihood]
            raise ValueError(
                f"{name}: alpha='reml' is for a sum of losses that are likelihoods: "
                f"{', '.join(known)}; pass a number"
            )
        drawn = getattr(self, "intercept_weight", 0.0)
        given_weight = getattr(self, "feature_weight", None)
        weight = np.append([] if given_weight is None else given_weight, drawn)
        if weight.dtype.kind in "fiu" and not np.all(np.isfinite(weight)):
            raise ValueError(
                f"{name}: alpha='reml' needs finite weights; pass a number"
            )
        fit = self._make_fit(data)

        def make(alpha):
            penalty = compose(self._at(alpha), data.design.n_features, columns)
            if penalty.norm is not None:
                raise ValueError(
                    f"{name}: alpha='reml' is for quadratic penalties; set alpha_l1=0"
                )
            return Objective(fit, penalty)

        n_samples = float(given.n_samples.sum())
        per_loss = n_samples / float(data.total.sum())
        free = data.design.n_tasks if self.fit_intercept and not drawn else 0
        return likelihood_strength(make, n_samples, free, per_loss, loss.quadratic)

"""The loss of W = P + Q as a function of P above Q."""

from __future__ import annotations

import numpy as np

from linmtl.datafits._base import Datafit

_TRAITS = (
    "quadratic",
    "bounded",
    "additive",
    "coupled",
    "reweightable",
    "holds_rows",
)


class SplitFit(Datafit):
    """The loss of W = P + Q as a function of P above Q, (2 n_features, n_columns)."""

    def __init__(self, whole: Datafit):
        self.whole, self.loss = whole, whole.loss
        self.n_features, self.n_columns = 2 * whole.n_features, whole.n_columns
        for trait in _TRAITS:
            setattr(self, trait, getattr(whole, trait))
        self.square, self.rounding = whole.square, whole.rounding

    @property
    def b(self):
        return self.whole.b

    @property
    def row_count(self):
        return self.whole.row_count

    @property
    def largest_block(self):
        return self.whole.largest_block

    def evaluate(self, W, G, residuals=None):
        d = self.whole.n_features
        loss = self.whole.evaluate(W[:d] + W[d:], G[:d], residuals)
        G[d:] = G[:d]
        return loss

    def loss_at(self, W):
        d = self.whole.n_features
        return self.whole.loss_at(W[:d] + W[d:])

    def error(self, W):
        d = self.whole.n_features
        return self.whole.error(W[:d] + W[d:])

    def project(self, parts, G):
        self.whole.project(parts, G[: self.whole.n_features])

    def refresh(self, G):
        d = self.whole.n_features
        self.whole.refresh(G[:d])
        G[d:] = G[:d]

    def feature_scale(self):
        scale = self.whole.feature_scale()
        return np.concatenate([scale, scale])

    def residual_norm(self):
        return self.whole.residual_norm()

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

"""Some features of a design, of which no copy is made."""

from __future__ import annotations

import numpy as np

from linmtl.designs._base import Design, Matrix
from linmtl.designs._wrapped import WrappedDesign


class SomeFeatures(WrappedDesign):
    """A view of the features at these positions of another design."""

    def __init__(self, design: Design, features: np.ndarray):
        super().__init__(design, features.size)
        self.features = features

    def _whole(self, W):
        whole = np.zeros((self.design.n_features, W.shape[1]))
        whole[self.features] = W
        return whole

    def predict(self, W, eta):
        self.design.predict(self._whole(W), eta)

    def adjoint(self, r, G):
        whole = np.empty((self.design.n_features, G.shape[1]))
        self.design.adjoint(r, whole)
        np.take(whole, self.features, axis=0, out=G)

    def evaluate(self, W, eta, residual, theta, G):
        whole = np.empty((self.design.n_features, G.shape[1]))
        self.design.evaluate(self._whole(W), eta, residual, theta, whole)
        np.take(whole, self.features, axis=0, out=G)

    def restrict(self, features):
        return self.design.restrict(self.features[features])

    def gather(self, features, last=None):
        return self.design.gather(self.features[features], last)

    def with_hessians(self, centre):
        if self.is_sparse:
            return self
        return self.design.restrict(self.features).with_hessians(centre)

    def first(self) -> SomeFeatures:
        """Return the design of the first task alone, where all share X."""
        shared: Matrix = self.design
        return SomeFeatures(shared.first(), self.features)

    def block(self, task):
        return self.design.block(task)[:, self.features]

    def _positions(self, features):
        return self.features if features is None else self.features[features]

    def centred_block(self, tasks, weight, centre, features=None):
        chosen = self._positions(features)
        return self.design.centred_block(tasks, weight, centre, chosen)

    def centred_features(self, features, weight, centre):
        """Return the centred features of the other design, which has a shared X."""
        shared: Matrix = self.design
        return shared.centred_features(self.features[features], weight, centre)

    def feature_rows(self):
        return self.design.restrict(self.features).feature_rows()

    def hessians(self, weight, centre, features=None, dtype=np.float64):
        chosen = self._positions(features)
        return self.design.hessians(weight, centre, chosen, dtype)

    def is_shared(self):
        return self.design.is_shared()

    def columns_alike(self, weight):
        return self.design.columns_alike(weight)

    def squares(self, weight, centre):
        return self.design.squares(weight, centre)[self.features]

    def column_scale(self, weight, centre):
        return self.design.column_scale(weight, centre)[self.features]

    def column_eigenvalues(self, weight, centre, metric):
        whole = np.full(self.design.n_features, np.inf)  # the others do not count
        whole[self.features] = metric
        return self.design.column_eigenvalues(weight, centre, whole)

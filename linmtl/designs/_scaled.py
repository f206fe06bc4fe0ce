"""The features of each task times factors of its own."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import sparse

from linmtl.designs._base import Design
from linmtl.designs._wrapped import WrappedDesign


class ScaledDesign(WrappedDesign):
    """Another design, its features times factors.

    Parameters
    ----------
    design : Design
        With a column of W for each task.
    scale : ndarray of shape (n_features, n_tasks)
        The factors.
    """

    def __init__(self, design: Design, scale: np.ndarray):
        super().__init__(design)
        self.scale = scale

    def predict(self, W, eta):
        self.design.predict(W * self.scale, eta)

    def adjoint(self, r, G):
        self.design.adjoint(r, G)
        G *= self.scale

    def evaluate(self, W, eta, residual, theta, G):
        self.design.evaluate(W * self.scale, eta, residual, theta, G)
        G *= self.scale

    def restrict(self, features):
        return ScaledDesign(self.design.restrict(features), self.scale[features])

    def gather(self, features, last=None):
        last = last.design if isinstance(last, ScaledDesign) else None
        return ScaledDesign(self.design.gather(features, last), self.scale[features])

    def block(self, task):
        X, factor = self.design.block(task), self.scale[:, task]
        return sparse.csr_array(X * factor) if self.is_sparse else X * factor

    def centred_block(self, tasks, weight, centre, features=None):
        chosen = slice(None) if features is None else features
        blocks = [
            self.design.centred_block(np.array([t]), weight, centre, features)
            * self.scale[chosen, t]
            for t in tasks
        ]
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def feature_rows(self):
        A = np.empty((self.n_features, int(self.task_ptr[-1])))
        for t, (start, stop) in enumerate(pairwise(self.task_ptr.tolist())):
            X = self.block(t)
            A[:, start:stop] = (X.toarray() if self.is_sparse else X).T
        return A, self.task_ptr[:-1]

    def hessians(self, weight, centre, features=None, dtype=np.float64):
        chosen = slice(None) if features is None else features
        factor = self.scale[chosen].T.astype(dtype)
        H = self.design.hessians(weight, centre, features, dtype)
        H *= factor[:, :, None]
        H *= factor[:, None]
        return H

    def is_shared(self):
        return self.design.is_shared()

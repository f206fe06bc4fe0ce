"""One model for all tasks, each with its own intercept."""

from __future__ import annotations

import numpy as np

from linmtl.designs._wrapped import WrappedDesign


class TiedDesign(WrappedDesign):
    """All tasks of another design share one column of W, each with its intercept."""

    @property
    def n_columns(self):
        return 1

    @property
    def column(self):
        return np.zeros(self.n_tasks, dtype=np.intp)

    def predict(self, W, eta):
        W_all = np.repeat(W, self.n_tasks, axis=1)
        self.design.predict(W_all, eta)

    def adjoint(self, r, G):
        G_all = np.empty((self.n_features, self.n_tasks), dtype=G.dtype)
        self.design.adjoint(r, G_all)
        G[:, 0] = G_all.sum(axis=1)

    def hessians(self, weight, centre, features=None, dtype=np.float64):
        k = self.n_features if features is None else features.size
        if self.is_sparse or self.n_tasks * k > self.task_ptr[-1]:  # larger than X
            return super().hessians(weight, centre, features, dtype)
        each = self.design.hessians(weight, centre, features, dtype)
        return each.sum(axis=0, keepdims=True)

    def restrict(self, features):
        return TiedDesign(self.design.restrict(features))

    def scaled(self, factor):
        return TiedDesign(self.design.scaled(factor))

    def about_zero(self):
        moved = self.design.about_zero()
        return None if moved is None else (TiedDesign(moved[0]), moved[1])

    def gather(self, features, last=None):
        last = last.design if isinstance(last, TiedDesign) else None
        return TiedDesign(self.design.gather(features, last))

    def take(self, rows):
        return TiedDesign(self.design.take(rows))

    def untied(self):
        return self.design

    def of_tasks(self, tasks):
        return TiedDesign(self.design.of_tasks(tasks))

    def task_sums(self, weight):
        return self.design.task_sums(weight)

    def feature_rows(self):
        return self.design.feature_rows()

    def block(self, task):
        return self.design.block(task)

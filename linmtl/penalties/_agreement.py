"""The limit of a semi-norm as its strength grows: what it penalises is zero."""

from __future__ import annotations

import numpy as np

from linmtl.penalties._base import Penalty
from linmtl.penalties._quadratic_form import QuadraticForm


class Agreement(Penalty):
    """Zero where a quadratic form over the tasks is zero, infinite elsewhere."""

    def __init__(self, form: QuadraticForm):
        self.form = form

    def project(self, V: np.ndarray) -> np.ndarray:
        """Return the nearest point where the form is zero."""
        out = np.zeros_like(V)
        for _, columns, vectors in self.form.null_space(len(V)):
            out[:, columns] = V[:, columns] @ vectors @ np.linalg.pinv(vectors)
        return out

    def value(self, W):
        return 0.0

    def prox(self, V, step, out):
        out[...] = self.project(V)
        return 0.0

    def dual_norm(self, G):
        return 0.0

    def null_form(self, n_tasks):
        return self.form

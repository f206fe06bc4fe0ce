"""celer: its path function (the estimators do not run on scikit-learn 1.9)."""

from __future__ import annotations

from benchmarks.solvers._base import Solution, Solver, is_shared_l21


class Celer(Solver):
    name = "celer"
    package = "celer"
    start = 11

    @classmethod
    def supports(cls, instance):
        return is_shared_l21(instance)

    def solve(self, tol):
        from celer.homotopy import mtl_path

        return mtl_path(
            self.data.X,  # Fortran order, or it would be copied
            self.data.Y,
            alphas=self.alphas,
            tol=tol,
            max_iter=10_000,
            max_epochs=1_000_000,
        )

    def read(self, result):
        coefs = result[1]  # (n_tasks, n_features, n_alphas)
        return Solution([coefs[:, :, k].T for k in range(coefs.shape[2])])

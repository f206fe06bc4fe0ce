"""skglm: MultiTaskLasso, and its warm-started path."""

from __future__ import annotations

from benchmarks.solvers._base import Solution, Solver, is_shared_l21


class Skglm(Solver):
    name = "skglm"
    package = "skglm"
    start = 2  # its unit is that of the gradient

    @classmethod
    def supports(cls, instance):
        return is_shared_l21(instance)

    def solve(self, tol):
        from skglm import MultiTaskLasso

        model = MultiTaskLasso(
            self.alphas[0], tol=tol, fit_intercept=False, max_iter=10_000, copy_X=False
        )
        if self.problem.kind == "path":
            return model.path(self.data.X, self.data.Y, self.alphas)
        return model.fit(self.data.X, self.data.Y)

    def read(self, result):
        if isinstance(result, tuple):
            coefs = result[1]  # (n_features, n_tasks, n_alphas)
            return Solution([coefs[:, :, k] for k in range(coefs.shape[2])])
        return Solution([result.coef_.T])

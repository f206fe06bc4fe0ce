"""adelie: group elastic net of one response, or of several with a shared X."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from benchmarks.solvers._base import Solution, Solver


class Adelie(Solver):
    """Ragged tasks are one response with a sparse block-diagonal matrix.

    Its columns go feature by feature, so that the tasks of a feature are one group;
    the intercepts are unpenalised columns in front. adelie normalises the weights of
    the samples to the sum 1, hence the strengths divided by the sum of ours.
    """

    name = "adelie"
    package = "adelie"
    start = 10

    @classmethod
    def supports(cls, instance):
        problem = instance.problem
        return (
            problem.penalty in ("l21", "l1")
            and problem.loss not in ("huber", "cox")
            and problem.kind in ("fit", "path")
        )

    def __init__(self, instance, threads):
        super().__init__(instance, threads)
        import adelie

        prepare = self._prepare_shared if instance.shared else self._prepare_ragged
        X, self.glm, self.options = prepare(adelie)
        self.X = X
        self.grpnet = adelie.grpnet

    def _prepare_shared(self, adelie):
        data, T = self.data, self.data.n_tasks
        glm = adelie.glm.multigaussian(np.ascontiguousarray(data.Y))
        options = {
            "penalty": np.ones(data.n_features),
            "lmda_path": self.alphas / T,
            "intercept": self.problem.fit_intercept,
        }
        return data.X, glm, options  # adelie has a faster form for plain arrays

    def _prepare_ragged(self, adelie):
        data, problem = self.data, self.problem
        d, T = data.n_features, data.n_tasks
        self.n_free = T if problem.fit_intercept else 0
        block = sparse.block_diag(data.Xs, format="csc")
        feature_major = np.arange(d * T).reshape(T, d).T.ravel()
        block = block[:, feature_major]
        if self.n_free:
            ones = sparse.block_diag([np.ones((n, 1)) for n in data.n_rows])
            block = sparse.hstack([ones, block], format="csc")
        size = T if problem.penalty == "l21" else 1
        free = np.arange(self.n_free)
        penalised = self.n_free + size * np.arange(d * T // size)
        weight = np.repeat(self.instance.objective.scales, data.n_rows)
        y = np.concatenate(data.targets)
        total = weight.sum()
        if problem.loss == "logistic":
            glm = adelie.glm.binomial((y > 0).astype(float), weights=weight / total)
        elif problem.loss == "poisson":
            glm = adelie.glm.poisson(y, weights=weight / total)
        else:
            glm = adelie.glm.gaussian(y, weights=weight / total)
        options = {
            "groups": np.concatenate([free, penalised]),
            "penalty": np.repeat([0.0, 1.0], [len(free), len(penalised)]),
            "lmda_path": self.alphas / total,
            "intercept": False,
        }
        X = adelie.matrix.sparse(sparse.csc_matrix(block), n_threads=self.threads)
        return X, glm, options

    def solve(self, tol):
        return self.grpnet(
            self.X,
            self.glm,
            tol=tol,
            irls_tol=tol,
            max_iters=10_000_000,
            early_exit=False,
            progress_bar=False,
            n_threads=self.threads,
            **self.options,
        )

    def read(self, result):
        betas = result.betas.toarray()
        d, T = self.data.n_features, self.data.n_tasks
        if len(betas) < len(self.alphas):
            raise RuntimeError(
                f"adelie stopped after {len(betas)} of {len(self.alphas)} strengths"
            )
        if self.instance.shared:
            Ws = [beta.reshape(d, T) for beta in betas]
            return Solution(Ws, list(result.intercepts))
        Ws = [beta[self.n_free :].reshape(d, T) for beta in betas]
        if not self.n_free:
            return Solution(Ws)
        return Solution(Ws, [beta[:T] for beta in betas])

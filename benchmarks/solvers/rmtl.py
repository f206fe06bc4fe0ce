"""RMTL for R: ragged tasks, mean losses, intercepts."""

from __future__ import annotations

from benchmarks.solvers._external import READ_R, External


class Rmtl(External):
    name = "rmtl"
    command = ("Rscript", "-e")
    check = "library(RMTL)"

    @classmethod
    def supports(cls, instance):
        problem = instance.problem
        return (
            not instance.shared
            and problem.kind == "fit"
            and problem.mean_loss
            and problem.fit_intercept
        )

    @property
    def script(self):
        problem = self.problem
        kind = "Classification" if problem.loss == "logistic" else "Regression"
        names = {"l21": "L21", "trace": "Trace", "l1": "Lasso", "mean": "Graph"}
        # its graph penalty is Lam1 ||W G||_F^2, without our factor 1/2
        strength = "alphas / 2" if problem.penalty == "mean" else "alphas"
        return (
            READ_R
            + f"""
library(RMTL)
end <- cumsum(n * d); X <- list(); Y <- list()
for (t in seq_len(T)) {{
    X[[t]] <- matrix(x[(end[t] - n[t] * d + 1):end[t]], ncol = d)
    Y[[t]] <- matrix(y[(sum(n[seq_len(t)]) - n[t] + 1):sum(n[seq_len(t)])], ncol = 1)
}}
clock <- proc.time()[["elapsed"]]
model <- MTL(X, Y, type = "{kind}", Regularization = "{names[problem.penalty]}",
    Lam1 = {strength}, Lam2 = 0, G = diag(T) - 1 / T,
    opts = list(init = 0, tol = tol, maxIter = 1000000))
put("seconds", proc.time()[["elapsed"]] - clock)
put("W", model$W); put("b", model$C)
"""
        )

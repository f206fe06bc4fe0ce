"""glmnet for R: ``mgaussian``."""

from __future__ import annotations

from benchmarks.solvers._base import is_shared_l21
from benchmarks.solvers._external import READ_R, External


class Glmnet(External):
    name = "glmnet"
    command = ("Rscript", "-e")
    check = "library(glmnet)"
    script = (
        READ_R
        + """
suppressMessages(library(glmnet))
X <- matrix(x, ncol = d); Y <- matrix(y, ncol = T)
clock <- proc.time()[["elapsed"]]
model <- glmnet(X, Y, family = "mgaussian", lambda = alphas, thresh = tol,
    standardize = FALSE, standardize.response = FALSE, intercept = FALSE, maxit = 1e7)
put("seconds", proc.time()[["elapsed"]] - clock)
put("W", sapply(seq_along(alphas), function(k) sapply(model$beta, function(B) B[, k])))
"""
    )

    @classmethod
    def supports(cls, instance):
        return is_shared_l21(instance)

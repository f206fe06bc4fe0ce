"""glmnet for R: ``mgaussian``, and other families task by task."""

from __future__ import annotations

from benchmarks.solvers._base import is_shared_l21
from benchmarks.solvers._external import READ_R, External

_FAMILIES = {"poisson": "poisson", "logistic": "binomial", "cox": "cox"}
_TOGETHER = """
X <- matrix(x, ncol = d); Y <- matrix(y, ncol = T)
clock <- proc.time()[["elapsed"]]
model <- glmnet(X, Y, family = "mgaussian", lambda = alphas, thresh = tol,
    standardize = FALSE, standardize.response = FALSE, intercept = FALSE, maxit = 1e7)
put("seconds", proc.time()[["elapsed"]] - clock)
put("W", sapply(seq_along(alphas), function(k) sapply(model$beta, function(B) B[, k])))
"""
_APART = """
scales <- get("scales"); K <- length(alphas)
X <- list(); Y <- list(); end <- cumsum(n * d); last <- cumsum(n)
for (t in seq_len(T)) {
    X[[t]] <- matrix(x[(end[t] - n[t] * d + 1):end[t]], ncol = d)
    Y[[t]] <- y[(last[t] - n[t] + 1):last[t]]
}
W <- array(0, c(d, T, K)); b <- matrix(0, T, K)
clock <- proc.time()[["elapsed"]]
for (t in seq_len(T)) {
    model <- glmnet(X[[t]], %s, family = "%s", thresh = tol, standardize = FALSE,
        lambda = alphas / (scales[t] * n[t]), maxit = 1e7)
    W[, t, ] <- as.matrix(model$beta)
    if (!is.null(model$a0)) b[t, ] <- model$a0
}
put("seconds", proc.time()[["elapsed"]] - clock)
put("W", W); put("b", b)
"""


class Glmnet(External):
    name = "glmnet"
    command = ("Rscript", "-e")
    check = "library(glmnet)"

    @classmethod
    def supports(cls, instance):
        problem = instance.problem
        apart = problem.penalty == "l1" and problem.loss in _FAMILIES
        apart = apart and problem.fit_intercept and not instance.shared
        return is_shared_l21(instance) or apart

    @property
    def script(self):
        body = _TOGETHER
        if self.problem.loss in _FAMILIES:
            times = "cbind(time = abs(Y[[t]]), status = Y[[t]] > 0)"
            target = times if self.problem.loss == "cox" else "Y[[t]]"
            body = _APART % (target, _FAMILIES[self.problem.loss])
        return f"{READ_R}\nsuppressMessages(library(glmnet))\n{body}"

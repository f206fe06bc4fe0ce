"""
Choosing alpha, and what a path shows
=====================================

A penalty has a strength. Along a path of strengths features enter one after the other;
held-out rows say where to stop.
"""

import matplotlib.pyplot as plt

from linmtl import L21RegressorCV
from linmtl.datasets import make_multitask_regression
from linmtl.path import mtl_path
from linmtl.penalties import L21
from linmtl.plotting import PathDisplay

X, y, tasks = make_multitask_regression(
    n_tasks=8, n_samples=60, n_features=40, noise=2.0, random_state=0
)

# %%
# ``selection="1se"`` takes the strongest penalty whose loss is within a standard error
# of the lowest: fewer features for nearly the same loss.

best = L21RegressorCV(alphas=40, cv=5).fit(X, y, tasks)
plain = L21RegressorCV(alphas=40, cv=5, selection="1se").fit(X, y, tasks)
for name, model in {"lowest loss": best, "one standard error": plain}.items():
    used = (model.coef_ != 0).any(axis=0).sum()
    print(f"{name}: alpha {model.alpha_:.3f}, {used} features of 40")

# %%
# The path has the norm of each feature's coefficients over all tasks.

alphas, coefs, gaps = mtl_path(X, y, tasks, penalty=L21(), alphas=40)
fig, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
PathDisplay.from_estimator(best, ax=axes[0])
PathDisplay.from_path(alphas, coefs, chosen=plain.alpha_, ax=axes[1])
plt.show()

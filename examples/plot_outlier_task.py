"""
One task is unlike the others
=============================

Nineteen tasks are alike, and one is their opposite: a sensor mounted upside down, a
site that codes the outcome the other way. Sharing ruins it, and it spoils the others a
little. Which models find out by themselves?
"""

import matplotlib.pyplot as plt
import numpy as np

from linmtl import (
    AdaptiveRobustRegressor,
    IndependentRegressor,
    MeanRegularizedRegressor,
)
from linmtl.datasets import make_multitask_regression
from linmtl.transfer import SafeTransfer

X, y, tasks, truth = make_multitask_regression(
    n_tasks=20,
    n_samples=40,
    n_features=10,
    structure="mean_deviation",
    deviation=0.1,
    noise=2.0,
    return_coef=True,
    random_state=0,
)
odd = 7
y = np.where(tasks == odd, -y, y)
W = truth.coef.copy()
W[odd] *= -1

# %%
# ``SafeTransfer`` blends a model with learning alone, task by task, by held-out rows;
# ``AdaptiveRobustRegressor`` (ARMUL) keeps a task that differs out of the common model.

models = {
    "each alone": IndependentRegressor("cv"),
    "around a mean": MeanRegularizedRegressor(1.0),
    "the same, safely": SafeTransfer(MeanRegularizedRegressor(1.0), random_state=0),
    "adaptive robust": AdaptiveRobustRegressor(1.0),
}
error = {}
for name, model in models.items():
    model.fit(X, y, tasks)
    error[name] = np.linalg.norm(model.coef_ - W, axis=1)

# %%

fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
usual = np.arange(20) != odd
for k, values in enumerate(error.values()):
    jitter = np.linspace(-0.15, 0.15, usual.sum())
    ax.plot(values[usual], k + jitter, "o", color="tab:blue", alpha=0.6, ms=5)
    ax.plot(values[odd], k, "s", color="tab:red", ms=8)
ax.plot([], [], "o", color="tab:blue", label="19 tasks alike")
ax.plot([], [], "s", color="tab:red", label="the odd one")
ax.set(
    yticks=range(len(error)),
    yticklabels=error,
    xlabel="distance to the true coefficients",
    xlim=(0, None),
)
ax.invert_yaxis()
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="lower right")
plt.show()

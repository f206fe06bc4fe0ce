"""
A stream: sums instead of rows
==============================

Readings of twenty machines arrive in batches, too many to keep. Squared-error models
need sums only: ``TaskStatistics`` adds them up, and the model is the one that all rows
would have given. What is old can be forgotten.
"""

import matplotlib.pyplot as plt
import numpy as np

from linmtl import MeanRegularizedRegressor, TaskStatistics

rng = np.random.default_rng(0)
n_machines, n_batches, n_rows = 20, 60, 200
w = [2.0, -1.0, 0.5] + 0.3 * rng.normal(size=(n_machines, 3))
forever, recent = TaskStatistics(), TaskStatistics()
model = MeanRegularizedRegressor(0.01)
errors = {"all that was": [], "the last ten batches or so": []}

for batch in range(n_batches):
    if batch == 30:
        w = w[:, ::-1].copy()  # the machines are serviced, and behave otherwise
    machine = rng.integers(n_machines, size=n_rows)
    X = rng.normal(size=(n_rows, 3))
    y = np.einsum("ij,ij->i", X, w[machine]) + rng.normal(size=n_rows)
    forever.update(X, y, machine)
    recent.forget(0.9).update(X, y, machine)
    for statistics, found in zip((forever, recent), errors.values(), strict=True):
        coef = model.fit_statistics(statistics).coef_
        found.append(np.sqrt(np.mean((coef - w[model.tasks_]) ** 2)))
print(forever)

# %%

fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
for name, values in errors.items():
    ax.plot(np.arange(1, n_batches + 1), values, label=name)
ax.axvline(30.5, color="0.7", lw=1, zorder=0)
ax.annotate(
    "service", (30.5, 1.1), xytext=(-4, 0), textcoords="offset points", ha="right"
)
ax.set(
    xlabel="batch of 200 rows",
    ylabel="error of the coefficients",
    ylim=(0, None),
    title="A model after each batch, without keeping a row",
)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()

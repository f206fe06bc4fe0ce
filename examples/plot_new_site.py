"""
A new site with ten rows
========================

A model of twenty sites is there, and a new site has ten rows. It need not start from
nothing, nor need the others be fitted again: ``fit_new_task`` learns it around what the
others have in common.
"""

import matplotlib.pyplot as plt
import numpy as np

from linmtl import IndependentRegressor, MeanRegularizedRegressorCV
from linmtl.datasets import make_multitask_regression

X, y, tasks = make_multitask_regression(
    n_tasks=30,
    n_samples=120,
    n_features=15,
    structure="mean_deviation",
    deviation=0.4,
    noise=2.0,
    random_state=0,
)
old = tasks < 20
model = MeanRegularizedRegressorCV(alphas=15, cv=3).fit(X[old], y[old], tasks[old])

# %%
# Ten sites come one after the other, each with its first n rows; its other rows say how
# well it was learned. Of those, the part of the variance explained.

counts = [5, 10, 20, 40, 80]
score = {"alone": [], "the others' mean": [], "fit_new_task": []}
for n in counts:
    found = {name: [] for name in score}
    for site in range(20, 30):
        Xs, ys = X[tasks == site], y[tasks == site]
        test = slice(80, None)
        spread = np.mean((ys[test] - ys[test].mean()) ** 2)
        ridge = IndependentRegressor("cv").fit(Xs[:n], ys[:n])
        mean = Xs @ model.coef_.mean(axis=0)
        mean += np.mean(ys[:n] - mean[:n])
        name = 100 * site + n  # labels are numbers here
        model.fit_new_task(Xs[:n], ys[:n], name)
        new = model.predict(Xs, [name] * len(Xs))
        for key, guess in zip(score, (ridge.predict(Xs), mean, new), strict=True):
            found[key].append(1 - np.mean((ys - guess)[test] ** 2) / spread)
    for key, values in found.items():
        score[key].append(np.mean(values))

# %%

fig, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
for key, values in score.items():
    ax.plot(counts, values, "o-", label=key)
ax.axhline(0, color="0.7", lw=1)
ax.set(
    xscale="log",
    xticks=counts,
    xticklabels=counts,
    xlabel="rows of the new site",
    ylabel="explained variance, other rows",
    title="New sites, mean of ten",
)
ax.minorticks_off()
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="lower right")
plt.show()

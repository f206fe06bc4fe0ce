"""
Visits in order: when does an effect set in?
============================================

A trial with twelve monthly visits: what predicts the outcome at each? Each visit is a
task, tasks are in order, and effects may set in, or fade.
"""

import matplotlib.pyplot as plt
import numpy as np

from linmtl import FusedSparseGroupRegressor, IndependentRegressor

rng = np.random.default_rng(0)
n_visits, n_patients, n_features = 12, 35, 20
month = np.arange(1, n_visits + 1)
W = np.zeros((n_visits, n_features))
W[:, 0] = 1.0  # from the beginning to the end
W[month >= 6, 1] = 1.5  # sets in with the sixth month
W[month <= 4, 2] = -1.2  # is gone after the fourth

visit = np.repeat(month, n_patients)
X = rng.normal(size=(visit.size, n_features))
y = np.einsum("ij,ij->i", X, W[visit - 1]) + 1.5 * rng.normal(size=visit.size)

# %%
# The fused penalty is on differences between visits: coefficients are constant but for
# few jumps.

alone = IndependentRegressor("cv").fit(X, y, visit)
fused = FusedSparseGroupRegressor(alpha_l1=0.02, alpha_fused=0.15, alpha_group=0.1)
fused.fit(X, y, visit)

# %%

fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
names = ["treatment", "second drug", "baseline"]
for ax, title, model in [
    (axes[0], "each visit alone", alone),
    (axes[1], "fused", fused),
]:
    ax.plot(month, model.coef_[:, 3:], color="0.8", lw=0.8)
    for j, name in enumerate(names):
        (line,) = ax.plot(month, model.coef_[:, j], "o-", ms=4, label=name)
        ax.step(month, W[:, j], ":", where="mid", color=line.get_color())
    ax.set(title=title, xlabel="month", xticks=month[1::2])
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set(ylabel="coefficient (dotted: the truth)")
axes[1].plot([], [], color="0.8", lw=0.8, label="17 that do not matter")
axes[1].legend(frameon=False, loc="lower right", fontsize="small")
plt.show()

"""
Counts with exposure: accidents per junction
============================================

Accidents at thirty junctions, counted over weeks in which 2 to 60 thousand cars passed.
The model is of the rate, ``exp(x . w_t + b_t)`` accidents per thousand cars. A count
with exposure e has the mean e times the rate: the logarithm of e is an offset, a known
part of the linear predictor.
"""

import matplotlib.pyplot as plt
import numpy as np

from linmtl import IndependentRegressor, MeanRegularizedRegressor

rng = np.random.default_rng(0)
n_junctions, n_weeks = 30, 25
junction = np.repeat(np.arange(n_junctions), n_weeks)
X = rng.normal(size=(junction.size, 2))  # rain, darkness
cars = np.exp(rng.uniform(np.log(2), np.log(60), size=junction.size))  # in thousands
w = [0.4, 0.25] + 0.1 * rng.normal(size=(n_junctions, 2))
b = -3 + 0.4 * rng.normal(size=n_junctions)
rate = np.exp(b[junction] + np.einsum("ij,ij->i", X, w[junction]))
count = rng.poisson(cars * rate)
print(f"{np.mean(count == 0):.0%} of the weeks without an accident")

# %%
# ``alpha="reml"`` has no counterpart for counts: strengths are given here, and
# :class:`linmtl.MeanRegularizedRegressorCV` would choose them. ``intercept_weight``
# draws the levels of the junctions to each other too.

exposure = np.log(cars)
alone = IndependentRegressor(0.02, loss="poisson")
alone.fit(X, count, junction, offset=exposure)
shared = MeanRegularizedRegressor(1.0, loss="poisson", intercept_weight=0.1)
shared.fit(X, count, junction, offset=exposure)

# %%
# Predictions take the exposure as well; at ``offset=0``, of one thousand cars, they are
# rates.

rates = shared.predict(X, junction, offset=0)
expected = shared.predict(X, junction, offset=exposure)
np.testing.assert_allclose(expected, cars * rates)
print(f"{expected.sum():.0f} accidents expected, {count.sum()} seen")

# %%

fig, axes = plt.subplots(1, 2, figsize=(8, 3.8), layout="constrained", sharey=True)
for ax, title, model in [
    (axes[0], "each junction alone", alone),
    (axes[1], "around a mean", shared),
]:
    found = model.coef_
    off = np.sqrt(np.mean((found - w) ** 2))
    for j, name in enumerate(["rain", "darkness"]):
        ax.plot(w[:, j], found[:, j], "o", alpha=0.8, ms=5, label=name)
    ax.axline((0, 0), slope=1, color="0.7", lw=1, zorder=0)
    ax.set(title=f"{title}: error {off:.2f}", xlabel="true effect on the log rate")
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set(ylabel="effect found")
axes[1].legend(frameon=False)
plt.show()

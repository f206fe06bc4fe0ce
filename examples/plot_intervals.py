"""
Intervals that hold at every site
=================================

An interval that covers 90 % of all rows can cover 99 % at a quiet site and 60 % at a
noisy one. ``TaskConformalRegressor`` promises the coverage at every site that has the
rows.
"""

import matplotlib.pyplot as plt
import numpy as np

from linmtl import MeanRegularizedRegressor
from linmtl.conformal import TaskConformalRegressor

rng = np.random.default_rng(0)
n_sites, n_rows = 12, 1100
site = np.repeat(np.arange(n_sites), n_rows)
noise = np.geomspace(0.5, 4, n_sites)
X = rng.normal(size=(site.size, 4))
w = [1.0, -1.0, 0.5, 0.0] + 0.3 * rng.normal(size=(n_sites, 4))
y = np.einsum("ij,ij->i", X, w[site]) + noise[site] * rng.laplace(size=site.size)
train = np.tile(np.arange(n_rows) < 100, n_sites)

# %%
# One width for all sites, from the errors of all rows together, beside it.

model = TaskConformalRegressor(MeanRegularizedRegressor(0.1))
model.fit(X[train], y[train], site[train])
X_test, y_test, site_test = X[~train], y[~train], site[~train]
low, high = model.predict_interval(X_test, site_test, coverage=0.9).T
by_site = (low <= y_test) & (y_test <= high)

half = train & np.tile(np.arange(n_rows) < 50, n_sites)
plain = MeanRegularizedRegressor(0.1).fit(X[half], y[half], site[half])
rest = train & ~half
width = np.quantile(np.abs(y[rest] - plain.predict(X[rest], site[rest])), 0.9)
one_width = np.abs(y_test - plain.predict(X_test, site_test)) <= width

# %%

fig, ax = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
for name, covered, style in [
    ("one width for all", one_width, "s"),
    ("by site", by_site, "o"),
]:
    share = [covered[site_test == k].mean() for k in range(n_sites)]
    ax.plot(noise, share, style, label=name)
ax.axhline(0.9, color="0.6", lw=1, zorder=0)
ax.set(
    xscale="log",
    xticks=[0.5, 1, 2, 4],
    xticklabels=["0.5", "1", "2", "4"],
    xlabel="noise of the site",
    ylabel="share of new rows inside",
    title="Asked for: 90 % at every site",
)
ax.minorticks_off()
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="lower left")
plt.show()

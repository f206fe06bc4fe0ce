"""
How many readings does a sensor need?
=====================================

Forty gas sensors of one kind are to be calibrated: concentration from the raw signal,
temperature and humidity. Readings beside a reference instrument are expensive. How many
does each sensor need, if it can borrow from the others?
"""

import matplotlib.pyplot as plt
import numpy as np

from linmtl import IndependentRegressor, MixedEffectsRegressor, PooledRegressor

rng = np.random.default_rng(0)
n_sensors, n_rows = 40, 200
sensor = np.repeat(np.arange(n_sensors), n_rows)
X = rng.normal(size=(n_sensors * n_rows, 3))  # signal, temperature, humidity
gain = [10.0, -3.0, 1.0] + rng.normal(size=(n_sensors, 3)) * [1.0, 1.0, 0.1]
offset = 20 + 3 * rng.normal(size=n_sensors)
truth = offset[sensor] + np.einsum("ij,ij->i", X, gain[sensor])
y = truth + 3 * rng.normal(size=truth.size)

# %%
# ``IndependentRegressor`` tunes a ridge for each sensor; ``MixedEffectsRegressor``
# finds out how much sensors differ in each coefficient, and shares it as far as that
# allows.

models = {
    "each alone": IndependentRegressor("cv"),
    "one for all": PooledRegressor(1e-6, task_intercepts=True),
    "mixed effects": MixedEffectsRegressor(),
}
counts = [4, 6, 8, 12, 20, 40]
errors = {name: [] for name in models}
place = np.tile(np.arange(n_rows), n_sensors)
for n in counts:
    train, test = place < n, place >= 100
    for name, model in models.items():
        model.fit(X[train], y[train], sensor[train])
        off = model.predict(X[test], sensor[test]) - truth[test]
        errors[name].append(np.sqrt(np.mean(off**2)))

# %%

fig, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
for name, values in errors.items():
    ax.plot(counts, values, "o-", label=name)
ax.set(
    xscale="log",
    xticks=counts,
    xticklabels=counts,
    xlabel="readings of each sensor beside the reference",
    ylabel="error of the concentration, ppb",
    ylim=(0, None),
    title="40 sensors, noise of 3 ppb in a reading",
)
ax.minorticks_off()
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()

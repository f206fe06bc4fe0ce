"""
Many classes, and tasks that have some of them
==============================================

Eight scanners have each read six of the ten digits, and not the same ones. A model of a
scanner alone has few rows of a digit, one for all ignores that scanners differ. A
mean-regularised model draws the coefficients of a digit to those on the other scanners
that have read it, and gives no probability to digits that a scanner has never read.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from linmtl import IndependentClassifier, MeanRegularizedClassifierCV, PooledClassifier

rng = np.random.default_rng(0)
images, digit = load_digits(return_X_y=True)
scanner = rng.integers(0, 8, digit.size)
read_by = np.array([rng.permutation(10)[:6] for _ in range(8)])
read = (read_by[scanner] == digit[:, None]).any(axis=1)
y, tasks = digit[read], np.char.add("scanner ", scanner[read].astype(str))

# %%
# Each scanner has a grain: pixels that it takes for brighter or darker than they are.

grain = 1 + 0.7 * rng.normal(size=(8, 64))
X = images[read] / 16 * grain[scanner[read]]

# %%
# Forty rows of each scanner are known, some seven of a digit.

order = rng.permutation(len(y))
known = np.concatenate([order[tasks[order] == t][:40] for t in np.unique(tasks)])
new = np.setdiff1d(order, known)
models = {
    "each alone": IndependentClassifier(alpha="cv"),
    "one for all": PooledClassifier(0.01),
    "mean-regularised": MeanRegularizedClassifierCV(alphas=10, eps=1e-4, cv=3),
}
right = {}
for name, model in models.items():
    hit = model.fit(X[known], y[known], tasks[known]).predict(X[new], tasks[new])
    right[name] = [(hit == y[new])[tasks[new] == t].mean() for t in model.tasks_]
    print(f"{name}: {np.mean(right[name]):.1%} of new digits right")
shared = models["mean-regularised"]
print("scanner 0 has never read", shared.classes_[np.isnan(shared.intercept_[0])])

# %%
# Coefficients have an axis for scanners and one for digits, NaN where a scanner has not
# read a digit. On the right those of one digit.

one = int(np.argmax((~np.isnan(shared.intercept_)).sum(axis=0)))
who = np.flatnonzero(~np.isnan(shared.intercept_[:, one]))[:3]
fig = plt.figure(figsize=(10, 3.6), layout="constrained")
left, *others = fig.subplots(1, 4, width_ratios=[3, 1, 1, 1])
for name, values in right.items():
    left.plot(values, shared.tasks_, "o", label=name)
left.set_xlabel("share of new digits that are right")
left.legend()
top = np.abs(shared.coef_[who, one]).max()
for ax, t in zip(others, who, strict=True):
    pixels = shared.coef_[t, one].reshape(8, 8)
    ax.imshow(pixels, cmap="RdBu_r", vmin=-top, vmax=top)
    ax.set_title(f"a {one}, {shared.tasks_[t]}", fontsize=9)
    ax.set_axis_off()
plt.show()

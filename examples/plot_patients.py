"""
Do patients help each other?
============================

Forty-two patients with Parkinson's disease recorded their voice at home; a model for
each is to say how severe the symptoms are. Ten percent of the rows, 10 to 17 for each
patient, are there to learn 19 coefficients from. Is a ridge for each patient enough, or
should they be learned together?
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

from linmtl import IndependentRegressor, MixedEffectsRegressor, TaskScaler
from linmtl.datasets import load_parkinsons
from linmtl.model_selection import TaskShuffleSplit

X, y, tasks = load_parkinsons(return_X_y=True)
split = TaskShuffleSplit(n_splits=1, train_size=0.1, random_state=0)
train, test = next(split.split(X, y, groups=tasks))
day = np.floor(X[test, 2])  # of the recording
X = TaskScaler().fit(X[train]).transform(X)

# %%
# The squared errors of both models on the rest of each patient's rows. Rows of one day
# are alike: a verdict goes by the differences of days, not of rows, with a false
# discovery rate of 5 %.

alone = IndependentRegressor("cv").fit(X[train], y[train], tasks[train])
shared = MixedEffectsRegressor().fit(X[train], y[train], tasks[train])
errors = [(y[test] - m.predict(X[test], tasks[test])) ** 2 for m in (alone, shared)]

patients = np.unique(tasks)
root = np.array(
    [[np.sqrt(e[tasks[test] == p].mean()) for p in patients] for e in errors]
)
p_values = []
for p in patients:
    own = tasks[test] == p
    days, code = np.unique(day[own], return_inverse=True)
    saved = np.bincount(code, (errors[0] - errors[1])[own]) / np.bincount(code)
    p_values.append(stats.ttest_1samp(saved, 0).pvalue)
sure = stats.false_discovery_control(p_values) < 0.05
helped, hurt = sure & (root[1] < root[0]), sure & (root[1] > root[0])
print(f"helped {helped.sum()}, hurt {hurt.sum()}, undecided {(~sure).sum()}")

# %%
# Each line is a patient, from the error alone to that of the shared model.

order = np.argsort(root[0])
place = np.empty(len(order), dtype=int)
place[order] = np.arange(len(order))
fig, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
for name, which, color in [
    ("helped", helped, "tab:blue"),
    ("hurt", hurt, "tab:red"),
    ("undecided", ~sure, "0.6"),
]:
    ax.vlines(place[which], root[0, which], root[1, which], color=color, lw=2)
    ax.plot(place[which], root[0, which], "o", color=color, mfc="white", ms=5)
    ax.plot(
        place[which],
        root[1, which],
        "o",
        color=color,
        ms=6,
        label=f"{which.sum()} {name}",
    )
ax.plot([], [], "o", color="0.3", mfc="white", ms=5, label="alone")
ax.plot([], [], "o", color="0.3", ms=6, label="together")
ax.set(
    xlabel="42 patients, by their error alone",
    ylabel="error of total UPDRS, points",
    xticks=[],
    ylim=(0, None),
    title="Learned alone, and learned together from the same rows",
)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(ncols=2, frameon=False, loc="upper left")
plt.show()

# %%
# This is about two fitted models. Whether sharing helps whatever the rows to learn from
# is harder to say, and asked by :func:`linmtl.transfer.negative_transfer_report`.

"""
Can hospitals learn together?
=============================

Four hospitals collected the same features of patients with chest pain, and who of them
has heart disease. One model for all ignores that patients and machines differ, one for
each has few rows. Does a model between the two pay?
"""

import matplotlib.pyplot as plt
import numpy as np

from linmtl import (
    IndependentClassifier,
    MeanRegularizedClassifierCV,
    PooledClassifier,
    TaskScaler,
)
from linmtl.datasets import load_heart_disease
from linmtl.model_selection import TaskShuffleSplit

X, y, tasks = load_heart_disease(complete=True, return_X_y=True)
hospitals, rows = np.unique(tasks, return_counts=True)
models = {
    "each alone": IndependentClassifier("cv", per_task=False),
    "one for all": PooledClassifier(0.01),
    "around a mean": MeanRegularizedClassifierCV(alphas=10, cv=4),
}

# %%
# Thirty rows of each hospital to learn from, ten times: the mean log loss on the
# other rows.

loss = {name: [] for name in models}
for train, test in TaskShuffleSplit(10, train_size=30, random_state=0).split(
    X, y, tasks
):
    scaler = TaskScaler().fit(X[train])
    for name, model in models.items():
        model.fit(scaler.transform(X[train]), y[train], tasks[train])
        p = model.predict_proba(scaler.transform(X[test]), tasks[test])
        own = p[np.arange(len(test)), np.searchsorted(model.classes_, y[test])]
        loss[name].append([-np.log(own[tasks[test] == h]).mean() for h in hospitals])

# %%
# Not for everyone: Switzerland, the smallest and least like the others, gains, and is
# the one that a single model hurts; the two largest do as well alone. Bars are twice
# the standard error over the splits.

fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
for k, (name, values) in enumerate(loss.items()):
    mean, error = np.mean(values, 0), np.std(values, 0, ddof=1) / np.sqrt(10)
    ax.errorbar(
        np.arange(4) + 0.15 * (k - 1), mean, 2 * error, fmt="o", capsize=3, label=name
    )
ax.set(
    xticks=range(4),
    xticklabels=[f"{h}\n{n} patients" for h, n in zip(hospitals, rows, strict=True)],
    ylabel="log loss, other patients",
    title="30 patients of each hospital to learn from",
)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
plt.show()

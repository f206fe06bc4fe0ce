"""
Hospitals that may not share rows
=================================

Four hospitals, one model, and no row of a patient leaves its hospital. Each answers
questions with sums over its rows. What travels, and is the model the same?
"""

import matplotlib.pyplot as plt
import numpy as np

from linmtl import MeanRegularizedClassifier, TaskScaler
from linmtl.datasets import load_heart_disease
from linmtl.federated import Site, fit_sites

X, y, tasks = load_heart_disease(complete=True, return_X_y=True)
X = TaskScaler().fit_transform(X)
model = MeanRegularizedClassifier(0.1, tol=1e-8)

# %%
# A site takes bytes and answers in bytes; here all four are in one process, and what
# they say is counted. One patient of Switzerland is healthy, and sums over the healthy
# would be that patient: a site refuses by itself. These rows are public, so it is told
# to answer all the same (``min_cell=1``).

hospitals = np.unique(tasks)
said = {name: [] for name in hospitals}


def heard(name):
    site = Site(X[tasks == name], y[tasks == name], name, min_cell=1)

    def answer(question):
        said[name].append(site(question))
        return said[name][-1]

    return answer


apart = fit_sites(model, [heard(name) for name in hospitals])
coef = apart.coef_.copy()
together = model.fit(X, y, tasks)
print(f"largest difference of a coefficient: {np.abs(coef - together.coef_).max():.0e}")

# %%

fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for name, c, d in zip(hospitals, coef, together.coef_, strict=True):
    axes[0].plot(d, c, "o", ms=5, alpha=0.8, label=name)
axes[0].axline((0, 0), slope=1, color="0.7", lw=1, zorder=0)
axes[0].set(
    xlabel="coefficient, all rows in one place",
    ylabel="coefficient, rows at their sites",
    title="The same model",
)
axes[0].legend(frameon=False)
sizes = [sum(map(len, said[name])) / 1024 for name in hospitals]
rows = [np.sum(tasks == name) for name in hospitals]
axes[1].bar(range(4), sizes, color="0.6", width=0.6)
axes[1].set(
    xticks=range(4),
    xticklabels=[f"{h}\n{n} patients" for h, n in zip(hospitals, rows, strict=True)],
    ylabel="said in all, KiB",
    title=f"{len(said[hospitals[0]])} answers of each, whatever its rows",
)
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

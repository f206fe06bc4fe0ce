"""
When sharing does not pay: digits as tasks
==========================================

Is it a three or not? Ten questions about the same images are ten tasks that share X.
But what speaks for a three speaks against an eight, and little is common to all ten.
Try it before you believe it.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from linmtl import IndependentClassifier, TraceNormClassifierCV

images, digit = load_digits(return_X_y=True)
X = images / 16
Y = digit[:, None] == np.arange(10)
order = np.random.default_rng(0).permutation(len(X))
train, test = order[:100], order[100:]

# %%
# The trace norm draws the ten models to a space of few directions. With a hundred
# images a ridge for each digit is at least as good.

models = {
    "alone, ridge": IndependentClassifier("cv"),
    "together, trace norm": TraceNormClassifierCV(alphas=10, cv=5),
}
for name, model in models.items():
    model.fit(X[train], Y[train])
    yes = np.stack([p[:, 1] for p in model.predict_proba(X[test])], axis=1)
    right = np.mean(yes.argmax(axis=1) == digit[test])
    rank = np.linalg.matrix_rank(model.coef_, tol=1e-6)
    print(f"{name}: {right:.1%} of the other digits right, {rank} directions")

# %%
# Coefficients, times the spread of their pixel, each relative to its largest.

fig, axes = plt.subplots(2, 10, figsize=(9, 2.9), layout="constrained")
for row, (name, model) in zip(axes, models.items(), strict=True):
    effect = model.coef_ * X.std(axis=0)
    for k, ax in enumerate(row):
        image = effect[k].reshape(8, 8)
        limit = np.abs(image).max()
        ax.imshow(image, cmap="RdBu_r", vmin=-limit, vmax=limit)
        ax.set(xticks=[], yticks=[], title=k)
    row[0].set_ylabel(name.replace(", ", "\n"), fontsize="small")
fig.suptitle("What speaks for a digit (red) and against it (blue)")
plt.show()

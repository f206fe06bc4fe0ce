"""
Assays with most labels missing
===============================

A compound is tested in a few assays out of many: the table of results has more gaps
than numbers. The assays are about related targets, so that the same descriptors of a
compound matter in most of them. A table with NaN is all that ``fit`` needs.
"""

import matplotlib.pyplot as plt
import numpy as np

from linmtl import L1RegressorCV, L21RegressorCV

rng = np.random.default_rng(0)
n_compounds, n_descriptors, n_assays = 200, 100, 12
X = rng.normal(size=(n_compounds, n_descriptors))
W = np.zeros((n_descriptors, n_assays))
W[:6] = rng.normal(size=(6, n_assays))  # six descriptors matter
full = X @ W + rng.normal(size=(n_compounds, n_assays))
Y = np.where(rng.random(full.shape) < 0.75, np.nan, full)

# %%
# L21 chooses descriptors for all assays together, L1 for each assay by itself.

together = L21RegressorCV(alphas=20, cv=5).fit(X, Y)
alone = L1RegressorCV(alphas=20, cv=5).fit(X, Y)
missing = np.isnan(Y)
for name, model in {"together": together, "alone": alone}.items():
    rmse = np.sqrt(np.mean((model.predict(X) - full)[missing] ** 2))
    print(f"{name}: error on the missing labels {rmse:.2f}, that of the truth 1")

# %%

fig, axes = plt.subplots(
    1,
    4,
    figsize=(9, 3.8),
    layout="constrained",
    sharex=True,
    gridspec_kw={"width_ratios": [1.15, 1, 1, 1]},
)
axes[0].imshow(~missing[:60], aspect="auto", cmap="Greys", interpolation="nearest")
axes[0].set(
    title=f"labels: {1 - missing.mean():.0%} there", ylabel="compound, the first 60"
)
limit = np.abs(W).max()
for ax, (title, coef) in zip(
    axes[1:],
    {"truth": W, "together, L21": together.coef_.T, "alone, L1": alone.coef_.T}.items(),
    strict=True,
):
    image = ax.imshow(
        coef[:20],
        aspect="auto",
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        interpolation="nearest",
    )
    ax.set(title=title)
axes[1].set(ylabel="descriptor, the first 20", yticks=range(0, 20, 5))
fig.supxlabel("assay", fontsize="medium")
fig.colorbar(image, ax=axes, label="coefficient", pad=0.01)
plt.show()

"""
Mixed effects: lines that borrow from each other
================================================

Eighteen people sleep three hours a night, and react slower every day; some by much,
some hardly. Four measurements of each are there. A line per person follows the noise,
one line for all ignores the person.
"""

import matplotlib.pyplot as plt
import numpy as np

from linmtl import IndependentRegressor, MixedEffectsRegressor

rng = np.random.default_rng(3)
n_people, days = 18, np.arange(10.0)
own = rng.normal([250, 10], [25, 6], size=(n_people, 2))
truth = own[:, :1] + own[:, 1:] * days
reaction = truth + rng.normal(0, 30, size=truth.shape)
seen = np.array([rng.choice(10, 4, replace=False) for _ in range(n_people)])
person = np.repeat(np.arange(n_people), 4)
X = days[seen].reshape(-1, 1)
y = reaction[person, seen.ravel()]

# %%
# ``"full"`` lets level and slope be correlated: ``(1 + days | person)`` in lme4.

alone = IndependentRegressor(0.0).fit(X, y, person)
mixed = MixedEffectsRegressor("full").fit(X, y, person)
print(mixed.summary())
for name, model in {"alone": alone, "mixed": mixed}.items():
    line = model.intercept_[:, None] + model.coef_ * days
    print(f"{name}: error of the lines {np.sqrt(np.mean((line - truth) ** 2)):.1f} ms")

# %%
# Six of them; in the band of twice its standard deviation a measurement is expected.

fig, axes = plt.subplots(
    2, 3, figsize=(9, 5), layout="constrained", sharex=True, sharey=True
)
grid = days.reshape(-1, 1)
for k, ax in enumerate(axes.flat):
    who = np.full(10, k)
    line, std = mixed.predict(grid, who, return_std=True)
    mean = mixed.intercept_mean_ + mixed.coef_mean_ * days
    ax.plot(days, truth[k], color="0.2", lw=1, label="truth")
    ax.plot(days, mean, ":", color="0.5", label="everybody")
    ax.plot(days, alone.predict(grid, who), "--", color="tab:orange", label="alone")
    ax.fill_between(days, line - 2 * std, line + 2 * std, color="tab:blue", alpha=0.15)
    ax.plot(days, line, color="tab:blue", label="mixed")
    ax.plot(days[seen[k]], reaction[k, seen[k]], "ko", ms=4)
    ax.spines[["top", "right"]].set_visible(False)
axes[0, 0].legend(frameon=False, fontsize="small")
fig.supxlabel("days of little sleep", fontsize="medium")
fig.supylabel("reaction time, ms", fontsize="medium")
plt.show()

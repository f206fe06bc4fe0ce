"""
Which schools are better than their intake?
===========================================

Mean exam scores rank schools by whom they take in, and small schools by luck. Each
school has a level of its own here, beside what is known of its pupils, and it is drawn
to that of all schools as far as its pupils are few.

The pupils are made up. With the path of ``school.mat`` in the variable
``LINMTL_SCHOOL``, those of 139 schools of Inner London are taken, the *School data* of
the multi-task literature, which come with MALSAR.
"""

import os

import matplotlib.pyplot as plt
import numpy as np
from scipy.io import loadmat

from linmtl import MixedEffectsRegressor, TaskScaler, stack_tasks


def pupils():
    """Return features of pupils, their exam scores and their schools."""
    if path := os.environ.get("LINMTL_SCHOOL"):
        content = loadmat(path)
        Xs = [np.asarray(X)[:, :-1] for X in content["X"].ravel()]  # less a constant
        return stack_tasks(Xs, [np.ravel(y) for y in content["Y"].ravel()])
    rng = np.random.default_rng(5)
    school = np.repeat(np.arange(60), rng.integers(5, 90, size=60))
    intake, better = rng.normal(size=60), 2.0 * rng.normal(size=60)
    tests = intake[school, None] + rng.normal(size=(len(school), 2))
    score = 20.0 + tests @ [4.0, 2.0] + better[school]
    return tests, score + 8.0 * rng.normal(size=len(school)), school


X, y, school = pupils()
X = TaskScaler().fit(X).transform(X)  # levels are those of a pupil with mean numbers

# %%
# A random intercept alone, ``(1 | school)`` in lme4: effects of the features are those
# of all schools.

model = MixedEffectsRegressor(random_features=[]).fit(X, y, school)
better = model.intercept_ - model.intercept_mean_
error = np.sqrt([model.coef_covariance(label)[0, 0] for label in model.tasks_])
clear = np.abs(better) > 2 * error
means = np.array([y[school == label].mean() for label in model.tasks_])
size = np.array([np.sum(school == label) for label in model.tasks_])
print(f"{clear.sum()} of {len(size)} schools differ clearly from the mean one")

# %%
# Left, all schools with twice their standard errors: a league table has a top and an
# end, and a middle that cannot be told apart. Right, what it would have been by mean
# scores; the area of a point is the number of pupils.

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
order = np.argsort(better)
for mask, colour in ((clear, "tab:blue"), (~clear, "0.7")):
    at = np.flatnonzero(mask[order])
    some = order[at]
    left.errorbar(at, better[some], 2 * error[some], fmt=".", color=colour, lw=1)
    right.scatter(
        means[mask], better[mask], s=size[mask], color=colour, alpha=0.7, lw=0
    )
left.axhline(0, color="0.3", lw=1)
right.axhline(0, color="0.3", lw=1)
left.set(xlabel="schools, in order", ylabel="points above the mean school")
right.set(xlabel="mean score of the school")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
left.set_title(f"{clear.sum()} of {len(size)} differ clearly")
right.set_title("mean scores say something else")
plt.show()

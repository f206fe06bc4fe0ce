"""
From a table to a verdict
=========================

A table as it comes: text, dates, gaps, a column that should not be there. ``prepare``
makes numbers of it and says what it did; the report says which shops are better off
learned together.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer

import linmtl
from linmtl.transfer import negative_transfer_report

rng = np.random.default_rng(0)
n_shops, n_days = 12, 60
shop = np.repeat([f"shop {i:02}" for i in range(n_shops)], n_days)
code = np.repeat(np.arange(n_shops), n_days)
effect = np.array([5.0, 3.0, 8.0]) + rng.normal(size=(n_shops, 3))
effect[4] *= -1  # a shop by the motorway: rain brings people in
rain, price = rng.normal(size=(2, code.size))
weekend = rng.random(code.size) < 2 / 7
signal = np.stack([-rain, -price, weekend], axis=1)
table = pd.DataFrame(
    {
        "shop": shop,
        "day": np.tile(pd.date_range("2025-03-01", periods=n_days), n_shops),
        "rain": np.where(rng.random(code.size) < 0.05, np.nan, rain),
        "price": price,
        "kind": np.where(weekend, "weekend", "weekday"),
        "comment": "",
        "sold": 50 + np.einsum("ij,ij->i", signal, effect[code]),
    }
)
table["sold"] += 6 * rng.normal(size=len(table))
print(table.head())

# %%

X, y, tasks, notes = linmtl.prepare(table, "sold", "shop", drop="comment")
print(*notes, sep="\n")

# %%
# A fixed strength, so strong that the shop which is unlike the others pays for it.

X = SimpleImputer().fit_transform(linmtl.TaskScaler().fit_transform(X))
model = linmtl.MeanRegularizedRegressor(3.0)
report = negative_transfer_report(model, X, y, tasks, cv=10)
print(report)

# %%

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
report.plot(ax=ax)
plt.show()

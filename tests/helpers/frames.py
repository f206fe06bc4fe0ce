"""Tables as users have them."""

import numpy as np
import pandas as pd


class PolarsLike:
    """The few methods of a polars DataFrame that are relied upon."""

    def __init__(self, data):
        self.data = dict(data)
        self.columns = list(data)
        self.shape = (len(next(iter(self.data.values()))), len(self.columns))

    def __getitem__(self, name):
        return self.data[name]

    def __array__(self, dtype=None, copy=None):
        return np.column_stack(list(self.data.values())).astype(dtype or float)

    def select(self, names):
        return PolarsLike({name: self.data[name] for name in names})


def with_tasks(X, tasks, position=0):
    """Return a DataFrame of X with the labels of tasks in a column."""
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    frame.insert(position, "task", tasks)
    return frame

"""Tables as users have them."""

import numpy as np


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

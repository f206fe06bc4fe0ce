"""What designs that are made of another one have in common."""

from __future__ import annotations

from linmtl.designs._base import Design


class WrappedDesign(Design):
    """The rows of another design, with features of its own.

    Parameters
    ----------
    design : Design
        The other design.
    n_features : int, default=None
        How many features this one has; by default as many.
    """

    def __init__(self, design: Design, n_features: int | None = None):
        self.design = design
        self.n_features = design.n_features if n_features is None else n_features
        self.task_ptr, self.group_ptr = design.task_ptr, design.group_ptr
        self.dtype = design.dtype

    def may_be_constant(self):
        return self.design.may_be_constant()

    @property
    def spare_bytes(self):
        return self.design.spare_bytes

"""What losses of two classes have in common."""

from __future__ import annotations

from linmtl.data._targets import encode_classes
from linmtl.losses._base import Loss, task_sums


class TwoClasses(Loss):
    """Base of the losses of labels, -1 for the first class and +1 for the second."""

    classify = True
    one_sided = "a single class"

    def encode(self, y, missing):
        return encode_classes(y, missing)

    def own_sides(self, y, weight, task_ptr):
        positive = task_sums(weight * (y > 0), task_ptr) > 0
        negative = task_sums(weight * (y < 0), task_ptr) > 0
        return positive.astype(int) - negative.astype(int)

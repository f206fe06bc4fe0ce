"""The rows of each task."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from linmtl.data._rows import rows_by_code, rows_by_task


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_codes(seed):
    codes = np.random.default_rng(seed).integers(-1, 4, size=30)
    found = rows_by_code(codes, 5)
    assert len(found) == 5
    for code, rows in enumerate(found):
        assert_array_equal(rows, np.flatnonzero(codes == code))


def test_long_and_wide_rows_are_the_same_tasks():
    rng = np.random.default_rng(0)
    Y, used = rng.normal(size=(8, 3)), rng.uniform(size=(8, 3)) < 0.6
    weight = rng.uniform(size=Y.shape)
    wide = rows_by_task(Y, None, used, weight, columns=np.array(["b", "a", "c"]))
    flat = [values.T.ravel() for values in (Y, used, weight)]
    y, mask, s = flat
    long = rows_by_task(y, np.repeat(["b", "a", "c"], 8), mask, s)
    assert wide.tasks.tolist() == ["b", "a", "c"]
    assert long.tasks.tolist() == ["a", "b", "c"]
    for t, label in enumerate(wide.tasks):
        k = long.tasks.tolist().index(label)
        assert_array_equal(wide.rows[t] + 8 * t, long.rows[k])
        assert_array_equal(wide.y[t], long.y[k])
        assert_array_equal(wide.weight[t], long.weight[k])
    assert_array_equal(np.sort(wide.total), np.sort(long.total))


def test_without_tasks_all_rows_are_of_one():
    rows = rows_by_task(np.arange(4.0), None, np.array([True, False, True, True]))
    assert_array_equal(rows.tasks, [0])
    assert_array_equal(rows.rows[0], [0, 2, 3])
    assert_array_equal(rows.total, [3.0])
    with pytest.raises(ValueError, match="tasks was passed although y has 2 columns"):
        rows_by_task(np.zeros((3, 2)), list("abc"), np.ones((3, 2), dtype=bool))

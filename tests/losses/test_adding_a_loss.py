"""A new loss with a parameter is one file and one line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import linmtl
from helpers.processes import output_of

NEW_FILE = '''
from dataclasses import dataclass

import numpy as np

from linmtl.losses._base import Loss, Score, parameter


@dataclass(frozen=True)
class ExpectileLoss(Loss):
    """``a (y - eta)^2 / 2``, a being tau above the prediction and 1 - tau below."""

    name = "expectile"
    score = Score("expectile loss", 1.0, "expectile_path_", 1.0)
    about = "Squared residuals, ``expectile_tau`` of them above."
    formula = "a_i (y_i - x_i . w_t - b_t)^2 / 2"
    curvature = 1.0
    location = True

    tau: float = parameter(0.8, "The weight of residuals above zero, in (0, 1).")

    def check(self):
        if not 0 < self.tau < 1:
            raise ValueError(f"expectile_tau must be in (0, 1), got {self.tau!r}")

    def _factor(self, above):
        return np.where(above, self.tau, 1.0 - self.tau)

    def value(self, y, eta):
        return self._factor(y > eta) * (y - eta) ** 2 / 2

    def derivative(self, y, eta):
        return self._factor(y > eta) * (eta - y)

    def second_derivative(self, y, u):
        return self._factor(u > 0)

    def conjugate(self, y, u):
        return u * (u / self._factor(u > 0) / 2 - y)

    def domain(self, y):
        return -np.inf, np.inf
'''
NEW_LINE = """
from linmtl.losses._expectile import ExpectileLoss
LOSSES["expectile"] = ExpectileLoss
"""
USE = """
import inspect

import numpy as np
import pytest

import linmtl
from linmtl.datasets import make_multitask_regression
from linmtl.path import mtl_path
from linmtl.penalties import L21
from linmtl.transfer import lookahead_affinity

assert linmtl.__file__.startswith({root!r})
X, y, tasks = make_multitask_regression(n_tasks=3, n_features=5, random_state=0)
even = {{"loss": "expectile", "expectile_tau": 0.5}}  # a quarter of the square
high = {{"loss": "expectile", "expectile_tau": 0.9, "tol": 1e-9}}

kinds = linmtl.L21Regressor, linmtl.IndependentRegressor, linmtl.TraceNormRegressorCV
for kind in kinds:
    assert inspect.signature(kind).parameters["expectile_tau"].default == 0.8
    assert "expectile_tau : float, default=0.8\\n    The weight of" in kind.__doc__
assert "expectile_path_" in linmtl.L21RegressorCV.__doc__

squared = linmtl.L21Regressor(0.2, tol=1e-10).fit(X, y, tasks)
same = linmtl.L21Regressor(0.1, **even, tol=1e-10).fit(X, y, tasks)
np.testing.assert_allclose(same.coef_, squared.coef_, atol=1e-4)
model = linmtl.L21Regressor(0.1, **high).fit(X, y, tasks)
assert model.dual_gap_ <= model.tol_
assert np.mean(model.predict(X, tasks) > y) > 0.6
search = linmtl.L21RegressorCV(alphas=3, cv=3, **high).fit(X, y, tasks)
assert search.expectile_path_.shape[1] == 3

strengths, coefs, _ = mtl_path(X, y, tasks, penalty=L21(), alphas=[0.1], **high)
np.testing.assert_allclose(coefs[..., 0], model.coef_, atol=1e-4)
assert "expectile_tau" in inspect.signature(mtl_path).parameters
lookahead_affinity(X, y, tasks, **even)
with pytest.raises(TypeError, match="unexpected keyword argument 'expectile_tua'"):
    mtl_path(X, y, tasks, penalty=L21(), loss="expectile", expectile_tua=0.9)
with pytest.raises(ValueError, match="expectile_tau must be in"):
    linmtl.L21Regressor(loss="expectile", expectile_tau=2.0).fit(X, y, tasks)
with pytest.raises(ValueError, match="needs the loss of a likelihood"):
    linmtl.L21RegressorCV(criterion="bic", **even).fit(X, y, tasks)
"""


@pytest.mark.slow
def test_a_loss_with_a_parameter_is_one_file_and_one_line(tmp_path):
    copy = tmp_path / "linmtl"  # with what is compiled
    shutil.copytree(Path(linmtl.__file__).parent, copy)
    (copy / "losses" / "_expectile.py").write_text(NEW_FILE)
    with open(copy / "losses" / "__init__.py", "a") as file:
        file.write(NEW_LINE)
    output_of(USE.format(root=str(tmp_path)), folder=tmp_path, PYTHONPATH="")

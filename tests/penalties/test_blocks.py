"""Quadratic forms with a block for each class are those of the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.classes import several_classes
from linmtl import MeanRegularizedClassifier
from linmtl.penalties._blocks import Blocks
from linmtl.penalties._quadratic_form import QuadraticForm

COLUMNS = [np.array([0, 3, 4]), np.array([1, 5]), np.array([2])]
OTHERS = {
    "alone": QuadraticForm(6),
    "ridge": QuadraticForm(6, ridge=np.arange(1.0, 7.0)),
    "mean": QuadraticForm(6, centred=0.3),  # joins the blocks
    "same": QuadraticForm(6, matrix=Blocks(COLUMNS, [np.eye(c.size) for c in COLUMNS])),
    "whole": QuadraticForm(6, matrix=np.eye(6) + 1.0),
}


def blocks():
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(c.size, max(c.size - 1, 1))) for c in COLUMNS]
    return Blocks(COLUMNS, [A @ A.T for A in parts])


@pytest.mark.parametrize("name", OTHERS)
def test_the_form_is_that_of_the_whole_matrix(name):
    V = np.random.default_rng(1).normal(size=(4, 6))
    weight = np.ones(4) if name in ("same", "whole") else np.array([1.0, 2, 2, 0.5])
    form, whole = (
        QuadraticForm(6, matrix=matrix, weight=weight) + np.float64(2.0) * OTHERS[name]
        for matrix in (blocks(), blocks().dense())
    )
    assert form.value(V) == pytest.approx(whole.value(V))
    assert form.top == pytest.approx(whole.top)
    np.testing.assert_allclose(form.gradient(V), whole.gradient(V))
    np.testing.assert_allclose(form.prox(V, 0.7), whole.prox(V, 0.7))
    G = form.gradient(V)
    np.testing.assert_allclose(form.pseudo_inverse(G), whole.pseudo_inverse(G))
    assert form.conjugate(G) == pytest.approx(form.value(V))
    free = [
        np.count_nonzero(rows) * vectors.shape[1]
        for rows, _, vectors in form.null_space(4)
    ]
    of_whole = [
        np.count_nonzero(rows) * vectors.shape[1]
        for rows, _, vectors in whole.null_space(4)
    ]
    assert sum(free) == sum(of_whole)
    for rows, own, vectors in form.null_space(4):
        shift = np.zeros((4, 6))
        shift[np.ix_(rows, own)] = vectors[:, 0]
        np.testing.assert_allclose(form.gradient(shift), 0, atol=1e-12)


def test_features_that_tasks_share_are_for_two_classes():
    model = MeanRegularizedClassifier(feature_weight=[1, 1, 1, np.inf])
    with pytest.raises(ValueError, match="MeanRegularized: feature_weight must be fin"):
        model.fit(*several_classes())

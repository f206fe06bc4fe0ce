"""Do 42 patients with Parkinson's disease help each other when data are few?

Ten percent of the rows of each patient to learn from: which patients gain from being
learned together, and does sharing help on the whole? Run
``python examples/parkinsons_transfer.py``; about 15 s.
"""

from __future__ import annotations

import numpy as np

from linmtl import IndependentRegressor, L21RegressorCV, TaskScaler
from linmtl.datasets import load_parkinsons
from linmtl.model_selection import TaskShuffleSplit
from linmtl.similarity import coefficient_similarity
from linmtl.transfer import NegativeTransferReport, negative_transfer_report


def main() -> NegativeTransferReport:
    """Print what is found, and return the report."""
    X, y, tasks = load_parkinsons(return_X_y=True)
    X = TaskScaler().fit_transform(X)

    alone = IndependentRegressor("cv").fit(X, y, tasks)
    cosine = np.asarray(coefficient_similarity(alone))
    pairs = cosine[np.triu_indices(len(cosine), 1)]
    print(f"cosine of two patients' coefficients: median {np.median(pairs):.2f}\n")

    splits = TaskShuffleSplit(20, train_size=0.1, test_size=0.03, random_state=0)
    model = L21RegressorCV(alphas=10, eps=0.01)
    report = negative_transfer_report(model, X, y, tasks, cv=splits)
    print(report)
    return report


if __name__ == "__main__":
    main()

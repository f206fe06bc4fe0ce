"""Do four hospitals help each other? Heart disease, learned together and alone.

Cleveland, Hungary, Switzerland and Long Beach collected the same features. Their
similarity, what each gains from each other one, and a verdict for each hospital with
its uncertainty. Run ``python examples/heart_disease_transfer.py``; about 10 s.
"""

from __future__ import annotations

import numpy as np

from linmtl import IndependentClassifier, MeanRegularizedClassifier, TaskScaler
from linmtl.datasets import load_heart_disease
from linmtl.similarity import chow_test, coefficient_similarity
from linmtl.transfer import negative_transfer_report, transfer_gain


def main() -> dict[str, object]:
    """Print what is found, and return it."""
    X, y, tasks = load_heart_disease(complete=True, return_X_y=True)
    X = TaskScaler().fit_transform(X)
    model = MeanRegularizedClassifier(alpha=0.1)

    alone = IndependentClassifier("cv").fit(X, y, tasks)
    cosine = coefficient_similarity(alone)
    print("cosine of the coefficients learned alone")
    print(cosine.to_frame().round(2), "\n")

    equal = chow_test(X, y, tasks, loss="logistic", ridge=0.01)
    print("p-values of equal coefficients")
    print(np.round(equal.p_values, 3), "\n")

    gain = transfer_gain(model, X, y, tasks)
    print("gain of the column from the row: log loss saved by learning both")
    print(gain.to_frame().round(3), "\n")

    report = negative_transfer_report(model, X, y, tasks)
    print(report)
    return {"cosine": cosine, "gain": gain, "report": report}


if __name__ == "__main__":
    main()

"""Displays in the style of scikit-learn; matplotlib is imported where one is drawn.

Each class holds what it draws; `plot` draws it, on axes that are passed or on a new
figure, and leaves ``ax_`` and ``figure_`` for changes of one's own.
"""

from linmtl.plotting._coefficients import CoefficientDisplay
from linmtl.plotting._convergence import ConvergenceDisplay
from linmtl.plotting._gain import TaskGainDisplay
from linmtl.plotting._matrix import TaskMatrixDisplay
from linmtl.plotting._path import PathDisplay

__all__ = [
    "CoefficientDisplay",
    "ConvergenceDisplay",
    "PathDisplay",
    "TaskGainDisplay",
    "TaskMatrixDisplay",
]

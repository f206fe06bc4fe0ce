"""Fits of rows that are in several places: files, processes, machines, sites."""

from linmtl.distributed._fit import fit_chunks, fit_parts
from linmtl.distributed._parts import ListedParts, Parts

__all__ = ["ListedParts", "Parts", "fit_chunks", "fit_parts"]

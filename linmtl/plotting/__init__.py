"""Figures; Matplotlib is imported only where one is drawn."""

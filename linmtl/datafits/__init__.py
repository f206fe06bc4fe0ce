"""The loss of all tasks as a function of W. Private."""

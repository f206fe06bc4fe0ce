"""How X is held: shared by the tasks or stacked, dense or sparse. Private."""

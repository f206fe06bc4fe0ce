"""Everything that is compiled for the core, and when BLAS gets threads. Private."""

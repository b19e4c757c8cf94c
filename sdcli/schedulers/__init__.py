"""Schedulers: solvers, spacings, and every program's names for them."""

"""Ledger to release. Knows nothing of the web."""

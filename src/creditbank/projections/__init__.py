"""Answers kept up to date in the transaction of the append, one module each."""

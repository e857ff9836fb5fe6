"""The operations of the HTTP contract, one module per topic."""

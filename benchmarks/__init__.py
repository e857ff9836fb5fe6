"""Speed of creditbank as ratios: the product and a peer, side by side in one run on one machine.

`python -m benchmarks [NAME ...]` alternates both, prints a table and writes JSON; README.md says how to read it.
"""

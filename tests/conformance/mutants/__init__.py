"""Small broken addons, each with one fault, and the good one that they are made from (depot.py).

Each names the check that must catch it. What is not caught here, the kit does not see.
"""

"""Wheels of everything, built once, and fresh virtual environments to install them into with pip.

What the wheels need of others comes from the environment that runs the tests: the distributions that they require, and
no others, are linked into a new environment before pip is asked. So pip resolves for real, a requirement that
a wheel does not declare is missing, and nothing is fetched.
"""

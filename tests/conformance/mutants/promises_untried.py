"""Promises a number of connections, with a client that cannot open any to keep."""

from mutants import depot
from mutants.depot import made

CAUGHT_BY = "promised_connections_are_there_and_no_more[small]"
SAYS = "its details promise 4 connections, and its client opens none to try that"
CLIENT = "mutants.promises_untried:Client"


class Client(depot.Client):
    """An app that has no sessions."""

    session = depot.ConformanceClient.session


ADDON = made()

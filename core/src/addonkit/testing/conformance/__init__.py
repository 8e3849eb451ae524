"""The conformance kit: everything an addon promises, tried on a real server."""

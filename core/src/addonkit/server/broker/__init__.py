"""The Open Service Broker API 2.17: every installed addon as a service of a platform."""

"""The tools of an addon's steps: the framework, servers, and the base of server addons."""

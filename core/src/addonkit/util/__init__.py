"""Clock, concurrency and files: helpers that know nothing of addons."""

"""The bodies of requests, and how they become what commands take."""

"""Sessions as credentials: the cookie, what it stands for, and where a request that comes with it comes from."""

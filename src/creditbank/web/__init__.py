"""What people see in a browser: signing in through an identity provider, and the pages around it."""

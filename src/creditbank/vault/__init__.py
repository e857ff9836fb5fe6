"""Personal data and secrets, sealed; what may be read again only with a key."""

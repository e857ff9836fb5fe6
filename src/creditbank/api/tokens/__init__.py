"""Access tokens for programs: who gets one, how it is made, how it is read, and to whose key it may be bound."""

"""The shapes of answers, as the API description states them."""

"""The public log in the formats of C2SP, so that verifiers by other people can check it. No input, no output."""

"""The demo's own identity provider: anybody may say that they are anybody. No bank but the demo ever has it."""

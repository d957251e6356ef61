"""Places to run code that nobody trusts. Nothing in here knows of exercises or models."""

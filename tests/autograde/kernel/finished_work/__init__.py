"""A package with finished versions, which tests lock away."""

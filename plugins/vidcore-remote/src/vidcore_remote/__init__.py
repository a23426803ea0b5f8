"""Data and weights behind addresses. Route: `paths` is a path that reads through fsspec, `weights` fetches a file."""

"""Conformance of an optimizer: what its author runs before publishing.

Each check is a small function from a subject to a finding; `conformance.CHECKS` lists them in order.
Importing this room does not import torch; `conformance` does.
"""

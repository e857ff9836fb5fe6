"""What the projections have in common: one metadata, filled by a table per module."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData()

"""What stood in the first row of files without a header is forgotten: it may be a person's."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"

_IMPORTS = sa.table("import_file", sa.column("import_id", sa.Uuid()), sa.column("detail", sa.LargeBinary()))


def upgrade() -> None:
    connection = op.get_bind()
    for import_id, detail in connection.execute(sa.select(_IMPORTS.c.import_id, _IMPORTS.c.detail)).all():
        content = json.loads(detail)
        found = content["found"] or {}
        if (found.get("problem") or {}).get("code") == "header_not_found" and found.pop("columns", None) is not None:
            mended = json.dumps(content, ensure_ascii=False).encode()
            connection.execute(sa.update(_IMPORTS).where(_IMPORTS.c.import_id == import_id).values(detail=mended))

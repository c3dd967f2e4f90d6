"""The tables of the store by version, and what each table and column says.

Amounts and money are decimal text, since they pass 64 bits; hashes and addresses are lower-case hex, so that the
file reads well in Datasette. A migration once released is never edited.
"""

from verifier.app.migrations.descriptions import datasette_metadata
from verifier.app.migrations.versions import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION

__all__ = ["APPLICATION_ID", "MIGRATIONS", "SCHEMA_VERSION", "datasette_metadata"]

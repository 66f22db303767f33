from kit import migrations
from kit.vault.tables import metadata

migrations.run(metadata)

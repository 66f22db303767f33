from kit import migrations
from notification.tables import metadata

migrations.run(metadata)

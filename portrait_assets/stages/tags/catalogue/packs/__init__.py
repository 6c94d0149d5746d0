"""The packs of tags that sources start from: a YAML file each, found by being here."""

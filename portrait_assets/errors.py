"""The errors that a person can mend; their text is one sentence with the remedy in it."""


class PortraitError(Exception):
    """A mistake in a source, a setting or a request, told in one sentence with its remedy."""


class SourceError(PortraitError):
    """A source definition, or a file that it names, cannot be used as it stands."""


class WarehouseError(PortraitError):
    """The warehouse cannot take what it is asked to take."""


class WarehouseBusyError(WarehouseError):
    """Another run holds the warehouse and did not let go within the wait."""

"""`portrait`, the command line: nothing below this package prints."""

from portrait_assets.app.cli.root import app, main

__all__ = ["app", "main"]

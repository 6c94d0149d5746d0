"""`python -m portrait_assets`: the same as `portrait`."""

from portrait_assets.app.cli import main

main()

"""Charts as SVG and PNG, with a font that has Chinese."""

"""Markets: what a change of takings is made of, seasons, trends, bundles, and what is unusual."""

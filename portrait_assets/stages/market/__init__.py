"""The market stage: what is in demand, what changed and for whom, competitors, product design."""

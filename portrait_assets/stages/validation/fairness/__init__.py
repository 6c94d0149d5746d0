"""Whether groups of customers are treated alike by what decides something."""

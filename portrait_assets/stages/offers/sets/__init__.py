"""Product sets: for an audience a set of products, and a rule on how they are offered."""

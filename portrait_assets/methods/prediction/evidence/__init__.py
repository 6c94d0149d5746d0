"""How well a model predicts, and what it is compared with."""

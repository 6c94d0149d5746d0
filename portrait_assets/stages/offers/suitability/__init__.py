"""Which products suit which customers by rule (适当性), and whom each rule refuses."""

"""How the stages run: definitions, automation, the instance and its event log."""

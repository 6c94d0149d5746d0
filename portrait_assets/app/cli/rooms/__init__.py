"""The commands of rooms, a module per thing that they are about."""

"""The `shared` profile of publication: a month of portraits that leaves the house, k-anonymous."""

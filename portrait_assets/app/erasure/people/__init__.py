"""Who is erased: the persons that ids are of, who has left, who stands in no month."""

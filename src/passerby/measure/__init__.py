"""How much can still be seen: labelled material, looked at and covered, judged from pixels alone."""

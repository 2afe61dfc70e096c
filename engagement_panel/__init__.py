"""What people run against a school's panel: a page to look at, and a check of the sources' health."""

"""What the panel costs, against the requirements' own SQL, on a server and schools of the bench's own."""

"""A PostgreSQL server of the project's own, a sample school in it, and the panel shown in the terminal."""

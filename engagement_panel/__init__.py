"""What a school runs: the panel as a page, and a health check of the sources."""

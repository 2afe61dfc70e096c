"""What a school runs: the panel as a page, a check of its health, and a preview of a deployment."""
